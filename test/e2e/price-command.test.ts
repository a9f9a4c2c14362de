import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { createTestDatabase } from '../support/database.ts';
import { dumpDatabase } from '../support/dump.ts';
import { startSession } from '../support/operations.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

const GOOD = { vendor: 'liveavatar', mode: 'FULL', 'per-minute': '0.30' };
const LIST_PRICES = [
  'Vendor      Mode         Per minute  Step  Minimum  From                      Source',
  'heygen      INTERACTIVE    0.20 USD   1 s     30 s  2000-01-01T00:00:00.000Z  list price of the vendor',
  'liveavatar  FULL           0.20 USD  60 s     60 s  2000-01-01T00:00:00.000Z  list price of the vendor',
  'liveavatar  LITE           0.10 USD  60 s     60 s  2000-01-01T00:00:00.000Z  list price of the vendor',
  'liveavatar  SANDBOX        0.00 USD   1 s      0 s  2000-01-01T00:00:00.000Z  list price of the vendor',
];

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service[Symbol.asyncDispose]());

const price = (args: string[], settings: Record<string, string> = {}) =>
  runCommand('price', args, { ...service.environment, ...settings });

/** The arguments of a good price, some of them changed or, with undefined, left out. */
function entering(changes: Record<string, string | undefined> = {}): string[] {
  return Object.entries({ ...GOOD, ...changes }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}=${value}`],
  );
}

const REQUIRED = '--vendor, --mode, and --per-minute are required to enter a price.';
const MODE = '--mode must be the mode that the vendor bills by, such as FULL.';
const AMOUNT = '--per-minute must be a decimal number from 0 to 1000000000 with at most 6 decimals, such as 0.50.';
const STEP = '--step must be a whole number from 1 to 3600.';
const MINIMUM = '--minimum must be a whole number from 0 to 3600.';
const FROM =
  '--from must be a date or an instant from the year 2000 on, such as 2026-12-01 or 2026-12-01T00:00:00+01:00.';

describe('a price that cannot be entered', { timeout: 60_000 }, () => {
  let before: Awaited<ReturnType<typeof dumpDatabase>>;
  beforeAll(async () => {
    before = await dumpDatabase(service.database);
  });
  afterAll(async () => {
    expect(await dumpDatabase(service.database)).toEqual(before);
  });

  describe.concurrent('changes nothing and refers to the help', () => {
    it.each<[what: string, args: string[], sentence: string]>([
      ['without a vendor', entering({ vendor: undefined }), REQUIRED],
      [
        'of a vendor that there is not',
        entering({ vendor: 'liveavatr' }),
        '--vendor must be liveavatar, heygen, or simulator.',
      ],
      ['without a mode', entering({ mode: undefined }), REQUIRED],
      ['of a mode that no vendor would write', entering({ mode: 'full' }), MODE],
      ['without an amount', entering({ 'per-minute': undefined }), REQUIRED],
      ['of no amount', entering({ 'per-minute': '20 cents' }), AMOUNT],
      ['of a negative amount', entering({ 'per-minute': '-0.20' }), AMOUNT],
      ['of a seventh decimal', entering({ 'per-minute': '0.0000001' }), AMOUNT],
      ['of an amount beyond all bounds', entering({ 'per-minute': '1000000000.01' }), AMOUNT],
      ['without a step', entering({ step: '' }), STEP],
      ['by steps of nothing', entering({ step: '0' }), STEP],
      ['by half seconds', entering({ step: '0.5' }), STEP],
      ['by more than an hour', entering({ step: '3601' }), STEP],
      ['at least for more than an hour', entering({ minimum: '3601' }), MINIMUM],
      ['from no moment', entering({ from: 'tomorrow' }), FROM],
      ['from a day that there is not', entering({ from: '2026-02-30' }), FROM],
      ['from an hour that there is not', entering({ from: '2026-12-01T25:00Z' }), FROM],
      ['from a moment of no time zone', entering({ from: '2026-12-01T00:00:00' }), FROM],
      ['from before there were avatars', entering({ from: '0000-01-01' }), FROM],
    ])('%s', async (_what, args, sentence) => {
      expect(await price(args)).toEqual({
        exitCode: 2,
        stdout: '',
        stderr: `${sentence}\nSee npm run -s price -- --help\n`,
      });
    });
  });

  it('is refused by a database that has no tables yet', async () => {
    await using database = await createTestDatabase({ migrated: false });
    expect(await price(entering(), { DATABASE_URL: database.url })).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'The database in DATABASE_URL is not ready for this version. Start the service once with npm start: it migrates it.\n',
    });
    expect(await dumpDatabase(database)).toEqual({});
  });

  it('prints every problem of the settings on a line of its own', async () => {
    const { exitCode, stderr } = await price(entering(), { PRICE_PER_MINUTE: 'cheap', CURRENCY: 'euro' });
    expect(exitCode).toBe(1);
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^PRICE_PER_MINUTE /),
      expect.stringMatching(/^CURRENCY /),
    ]);
  });
});

it('lists the prices, and what applies without one, with no settings but the database', async () => {
  const list = async (settings: Record<string, string>) =>
    (await runCommand('price', [], { DATABASE_URL: service.database.url, ...settings })).stdout.trimEnd().split('\n');
  expect(await list({})).toEqual([
    ...LIST_PRICES,
    '',
    'Sessions without a price above cost 0.50 USD per minute (the default).',
  ]);
  expect(await list({ PRICE_PER_MINUTE: '0.25' })).toEqual([
    'There are no dated prices. Every session costs 0.25 USD per minute (PRICE_PER_MINUTE).',
  ]);
  expect((await list({ CURRENCY: 'EUR' }))[1]).toMatch(/ not used, CURRENCY is EUR$/);
});

it('enters a price, which a running session follows', async () => {
  await startSession(service, await service.token('ann'));
  const from = new Date(Date.now() - 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z');
  const instant = new Date(from).toISOString();
  expect(await price(entering({ from, step: '60', minimum: '30' }))).toEqual({
    exitCode: 0,
    stdout:
      `Saved: liveavatar FULL at 0.30 USD per minute from ${instant}, billed in steps of 60 s, at least 30 s per session.\n` +
      '1 unused token or open session will follow.\n',
    stderr: '',
  });
  await waitFor(async () => {
    const [record] = await service.database.query('SELECT price_per_minute, held_cost FROM avatar_usage_records');
    return record?.price_per_minute === '0.300000' && record.held_cost === '9.000000';
  });
  expect((await price([])).stdout).toContain(`liveavatar  FULL    0.30 USD  60 s     30 s  ${instant}  entered\n`);
});
