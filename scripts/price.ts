/** `npm run price`: lists the dated prices, or enters one. Unused tokens and open sessions follow within seconds. */
import { z } from 'zod';
import { amount, matching, oneOf, wholeNumber } from '../src/config/fields.ts';
import { loadSettings } from '../src/config/load-settings.ts';
import { VENDORS } from '../src/config/settings.ts';
import { DATABASE_KEYS, databaseOf, POLICY_KEYS, policyOf } from '../src/config.ts';
import { enterPrice, readPrices } from '../src/database/prices.ts';
import { type OptionValues, UsageError } from './arguments.ts';
import { runCommand } from './command.ts';
import { DATABASE_SETTINGS } from './help.ts';
import { openDatabase } from './open-database.ts';
import { describePrice, type EnteredPrice, formatPrices } from './price-list.ts';
import { count } from './table.ts';

const LARGEST_STEP_SECONDS = 3600;
/** Vendors write their modes like this. A price of any other would never apply. */
const MODE = /^[A-Z][A-Z0-9_]{0,39}$/;
const INSTANT = /^([2-9]\d{3}-\d\d-\d\d)(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/;

/** A day, which begins at midnight UTC, or an instant. */
const instant = z.string().transform((text, context) => {
  const [, day] = INSTANT.exec(text) ?? [];
  const at = new Date(text);
  if (day && isDay(day) && !Number.isNaN(at.getTime())) return at;
  context.addIssue(
    'must be a date or an instant from the year 2000 on, such as 2026-12-01 or 2026-12-01T00:00:00+01:00',
  );
  return z.NEVER;
});

/** Date reads February 30 as March 2. */
function isDay(day: string): boolean {
  const at = new Date(day);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day);
}

const OPTIONS = {
  vendor: { value: 'NAME', field: oneOf(VENDORS), description: `The vendor: ${VENDORS.join(', ')}.` },
  mode: {
    value: 'MODE',
    field: matching(MODE, 'must be the mode that the vendor bills by, such as FULL'),
    description: 'The mode that the vendor bills by, such as FULL.',
  },
  'per-minute': { value: 'AMOUNT', field: amount, description: 'The price per minute, in CURRENCY, such as 0.20.' },
  from: {
    value: 'DATE',
    field: instant,
    description: 'When the price takes effect: a date (midnight UTC) or an instant. Default: now.',
  },
  step: {
    value: 'SECONDS',
    field: wholeNumber(1, LARGEST_STEP_SECONDS),
    description: 'Billed seconds are rounded up to a multiple of this, 1 to 3600. Default: 1.',
  },
  minimum: {
    value: 'SECONDS',
    field: wholeNumber(0, LARGEST_STEP_SECONDS),
    description: 'The least that a session is billed for, 0 to 3600. Default: 0.',
  },
} as const;

await runCommand({
  name: 'price',
  summary: 'Lists the prices per vendor and mode, or enters one: give --vendor, --mode, and --per-minute.',
  options: OPTIONS,
  settings: [DATABASE_SETTINGS, 'CURRENCY, PRICE_PER_MINUTE, WARNING_THRESHOLDS'],
  example: 'npm run -s price -- --vendor liveavatar --mode FULL --per-minute 0.18 --step 60 --from 2027-01-01',
  async run(values) {
    const settings = loadSettings(process.env, [...DATABASE_KEYS, ...POLICY_KEYS]);
    const policy = policyOf(settings);
    const now = new Date();
    const price = readPrice(values, policy.currency, now);
    await using database = await openDatabase(databaseOf(settings));
    if (!price) return { output: formatPrices(await readPrices(database.pool), policy) };
    const followed = await enterPrice(database.pool, price);
    const followers = count(followed, 'unused token or open session', 'unused tokens and open sessions');
    return { output: `Saved: ${describePrice(price)}.\n${followers} will follow.` };
  },
});

/** Null if no price is to be entered. */
function readPrice(values: OptionValues<typeof OPTIONS>, currency: string, now: Date): EnteredPrice | null {
  if (Object.values(values).every((value) => value === undefined)) return null;
  const { vendor, mode, 'per-minute': perMinute, from = now, step = 1, minimum = 0 } = values;
  if (vendor === undefined || mode === undefined || perMinute === undefined) {
    throw new UsageError('--vendor, --mode, and --per-minute are required to enter a price.');
  }
  return {
    vendor,
    vendorMode: mode,
    currency,
    effectiveFrom: from,
    perMinute,
    billingStepSeconds: step,
    minimumSeconds: minimum,
  };
}
