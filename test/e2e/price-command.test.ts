import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { createTestDatabase } from '../support/database.ts';
import { dumpDatabase } from '../support/dump.ts';
import { expectNoInternals } from '../support/leaks.ts';
import { startSession } from '../support/operations.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

const GOOD = { vendor: 'liveavatar', mode: 'FULL', 'per-minute': '0.30' };
const LISTED = [
  'heygen INTERACTIVE  0.20 USD a minute, at least 30 s  from 2000-01-01T00:00:00.000Z, list price',
  'liveavatar FULL  0.20 USD a minute, by 60 s, at least 60 s  from 2000-01-01T00:00:00.000Z, list price',
  'liveavatar LITE  0.10 USD a minute, by 60 s, at least 60 s  from 2000-01-01T00:00:00.000Z, list price',
  'liveavatar SANDBOX  0.00 USD a minute  from 2000-01-01T00:00:00.000Z, list price',
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

const VENDOR = '--vendor must be one of: liveavatar, heygen, simulator.';
const MODE = '--mode must name what the vendor bills by, such as FULL.';
const AMOUNT = '--per-minute must be a decimal number from 0 to 1000000000 with at most 6 decimals, such as 12.50.';
const STEP = '--step must be a whole number from 0 to 3600.';
const MINIMUM = '--minimum must be a whole number from 0 to 3600.';
const FROM =
  '--from must be a day or an instant from the year 2000 on, such as 2026-12-01 or 2026-12-01T00:00:00+01:00.';
const USAGE =
  'Usage: npm run price [-- --vendor V --mode M --per-minute 0.20 [--from 2026-12-01] [--step SECONDS] [--minimum SECONDS]]';

describe('a price that cannot be entered', { timeout: 60_000 }, () => {
  let before: Awaited<ReturnType<typeof dumpDatabase>>;
  beforeAll(async () => {
    before = await dumpDatabase(service.database);
  });
  afterAll(async () => {
    expect(await dumpDatabase(service.database)).toEqual(before);
  });

  describe.concurrent('changes nothing and has its use explained', () => {
    it.each<[what: string, args: string[], sentence: string | RegExp]>([
      ['without a vendor', entering({ vendor: undefined }), VENDOR],
      ['of a vendor that there is not', entering({ vendor: 'liveavatr' }), VENDOR],
      ['without a mode', entering({ mode: undefined }), MODE],
      ['of a mode that no vendor would write', entering({ mode: 'full' }), MODE],
      ['without an amount', entering({ 'per-minute': undefined }), '--per-minute must be given.'],
      ['of no amount', entering({ 'per-minute': '20 cents' }), AMOUNT],
      ['of a negative amount', entering({ 'per-minute': '-0.20' }), AMOUNT],
      ['of a seventh decimal', entering({ 'per-minute': '0.0000001' }), AMOUNT],
      ['of an amount beyond all bounds', entering({ 'per-minute': '1000000000.01' }), AMOUNT],
      ['without a step', entering({ step: '' }), STEP],
      ['by steps of nothing', entering({ step: '0' }), '--step must be 1 or more.'],
      ['by half seconds', entering({ step: '0.5' }), STEP],
      ['by more than an hour', entering({ step: '3601' }), STEP],
      ['at least for more than an hour', entering({ minimum: '3601' }), MINIMUM],
      ['from no moment', entering({ from: 'tomorrow' }), FROM],
      ['from a day that there is not', entering({ from: '2026-02-30' }), FROM],
      ['from an hour that there is not', entering({ from: '2026-12-01T25:00Z' }), FROM],
      ['from a moment of no time zone', entering({ from: '2026-12-01T00:00:00' }), FROM],
      ['from before there were avatars', entering({ from: '0000-01-01' }), FROM],
      ['with an unknown option', entering({ currency: 'EUR' }), /^Unknown option '--currency'/],
      ['with an option without its value', [...entering(), '--step'], /^Option '--step <value>' argument missing$/],
      ['with a word too many', ['0.30', ...entering()], /^Unexpected argument '0.30'/],
    ])('%s', async (_what, args, sentence) => {
      const { exitCode, stdout, stderr } = await price(args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
      const [first, ...rest] = stderr.trimEnd().split('\n');
      expect(first).toEqual(typeof sentence === 'string' ? sentence : expect.stringMatching(sentence));
      expect(rest.at(-1)).toBe(USAGE);
      expectNoInternals(stderr);
    });
  });

  it('is refused by a database that has no tables yet', async () => {
    await using database = await createTestDatabase({ migrated: false });
    expect(await price(entering(), { DATABASE_URL: database.url })).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'The price could not be entered: this database lacks migrations of this version. ' +
        'Start the service on it once (npm start): it applies them.\n',
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

it('prints the prices, and what counts where there is none', async () => {
  const unset = { PRICE_PER_MINUTE: '' };
  expect((await price([], unset)).stdout.trimEnd().split('\n')).toEqual([
    ...LISTED,
    'where there is none: 0.50 USD a minute, the default',
  ]);
  expect((await price([], { PRICE_PER_MINUTE: '0.25' })).stdout).toBe(
    'where there is none: 0.25 USD a minute, as PRICE_PER_MINUTE says\n',
  );
});

it('enters a price, which a running session follows', async () => {
  await startSession(service, await service.token('ann'));
  const from = new Date(Date.now() - 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z');
  const instant = new Date(from).toISOString();
  expect(await price(entering({ from, step: '60', minimum: '30' }))).toEqual({
    exitCode: 0,
    stdout: `liveavatar FULL  0.30 USD a minute, by 60 s, at least 30 s  from ${instant}\n1 open tokens and sessions follow.\n`,
    stderr: '',
  });
  await waitFor(async () => {
    const [record] = await service.database.query('SELECT price_per_minute, held_cost FROM avatar_usage_records');
    return record?.price_per_minute === '0.300000' && record.held_cost === '9.000000';
  });
  expect((await price([])).stdout).toContain(
    `liveavatar FULL  0.30 USD a minute, by 60 s, at least 30 s  from ${instant}\n`,
  );
});
