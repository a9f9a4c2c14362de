/**
 * `npm run price` prints the dated prices; `npm run price -- --vendor V --mode M --per-minute 0.20 [--from 2026-12-01]
 * [--step 60] [--minimum 60]` enters one, in the currency of the settings. Open tokens and running sessions follow.
 */
import { VENDORS } from '../src/config/vendor.ts';
import { type Config, loadConfig } from '../src/config.ts';
import { enterPrice, listPrices } from '../src/database/prices.ts';
import { formatMoney } from '../src/domain/money.ts';
import type { DatedPrice } from '../src/domain/price.ts';
import { parseOptions, readAmount, readWholeNumber, runCommand, UsageError } from './arguments.ts';
import { openDatabase } from './open-database.ts';

const USAGE =
  'Usage: npm run price [-- --vendor V --mode M --per-minute 0.20 [--from 2026-12-01] [--step SECONDS] [--minimum SECONDS]]';
const LARGEST_STEP_SECONDS = 3600;
/** Vendors write their modes so; a price of any other would never apply. */
const MODE = /^[A-Z][A-Z0-9_]{0,39}$/;
const INSTANT = /^([2-9]\d{3}-\d\d-\d\d)(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/;

type EnteredPrice = Omit<DatedPrice, 'isList'>;

/** Null if none is to be entered. */
function readArguments(args: string[], { policy }: Config, now: Date): EnteredPrice | null {
  const options = parseOptions(args, ['vendor', 'mode', 'per-minute', 'from', 'step', 'minimum']);
  if (args.length === 0) return null;
  const { vendor, mode, 'per-minute': perMinute, from, step = '1', minimum = '0' } = options;
  if (!vendor || !VENDORS.includes(vendor)) throw new UsageError(`--vendor must be one of: ${VENDORS.join(', ')}.`);
  if (!mode || !MODE.test(mode)) throw new UsageError('--mode must name what the vendor bills by, such as FULL.');
  if (perMinute === undefined) throw new UsageError('--per-minute must be given.');
  const billingStepSeconds = readWholeNumber('--step', step, LARGEST_STEP_SECONDS);
  if (billingStepSeconds === 0) throw new UsageError('--step must be 1 or more.');
  return {
    vendor,
    vendorMode: mode,
    currency: policy.currency,
    effectiveFrom: from === undefined ? now : readInstant(from),
    perMinute: readAmount('--per-minute', perMinute),
    billingStepSeconds,
    minimumSeconds: readWholeNumber('--minimum', minimum, LARGEST_STEP_SECONDS),
  };
}

/** A day begins at midnight UTC. */
function readInstant(text: string): Date {
  const [, day] = INSTANT.exec(text) ?? [];
  const at = new Date(text);
  if (day && isDay(day) && !Number.isNaN(at.getTime())) return at;
  throw new UsageError(
    '--from must be a day or an instant from the year 2000 on, such as 2026-12-01 or 2026-12-01T00:00:00+01:00.',
  );
}

/** Date takes the 30th of February for the 2nd of March. */
function isDay(day: string): boolean {
  const at = new Date(day);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day);
}

function describe({ vendor, vendorMode, currency, effectiveFrom, ...price }: EnteredPrice): string {
  const rounding = price.billingStepSeconds > 1 ? `, by ${price.billingStepSeconds} s` : '';
  const minimum = price.minimumSeconds > 0 ? `, at least ${price.minimumSeconds} s` : '';
  const amount = `${formatMoney(price.perMinute)} ${currency} a minute`;
  return `${vendor} ${vendorMode}  ${amount}${rounding}${minimum}  from ${effectiveFrom.toISOString()}`;
}

async function main(args: string[]): Promise<string> {
  const config = loadConfig(process.env);
  const now = new Date();
  const price = readArguments(args, config, now);
  await using database = await openDatabase(config);
  if (price) {
    const followed = await enterPrice(database.pool, price, config.policy, now);
    return `${describe(price)}\n${followed} open tokens and sessions follow.`;
  }
  const prices = await listPrices(database.pool);
  const { pricePerMinute, priceIsSet, currency } = config.policy;
  const fallback = `${formatMoney(pricePerMinute)} ${currency} a minute`;
  return [
    ...prices
      .filter(({ isList }) => !isList || !priceIsSet)
      .map((each) => `${describe(each)}${each.isList ? ', list price' : ''}`),
    `where there is none: ${fallback}, ${priceIsSet ? 'as PRICE_PER_MINUTE says' : 'the default'}`,
  ].join('\n');
}

await runCommand(main, { usage: USAGE, failure: 'The price could not be entered' });
