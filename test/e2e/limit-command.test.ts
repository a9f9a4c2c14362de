import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { createTestDatabase } from '../support/database.ts';
import { dumpDatabase } from '../support/dump.ts';
import { expectNoInternals } from '../support/leaks.ts';
import { startSession } from '../support/operations.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let before: Awaited<ReturnType<typeof dumpDatabase>>;

beforeAll(async () => {
  service = await startTestService();
  await startSession(service, await service.token('ann'));
  before = await dumpDatabase(service.database);
});

afterAll(async () => {
  expect(await dumpDatabase(service.database)).toEqual(before);
  await service[Symbol.asyncDispose]();
});

const limit = (args: string[], settings: Record<string, string> = {}) =>
  runCommand('limit', args, { ...service.environment, ...settings });

const USER = '--user must name a user with 1 to 255 characters.';
const MINUTES = '--minutes must be a whole number from 0 to 10000000.';
const COST = '--cost must be a decimal number from 0 to 1000000000 with at most 6 decimals, such as 12.50.';
const ACTIVE = '--active must be on or off.';
const USAGE = 'Usage: npm run limit -- --user ID [--minutes N] [--cost 12.50] [--active on|off]';

describe.concurrent('changes nothing and explains its use', { timeout: 60_000 }, () => {
  it.each<[what: string, args: string[], sentence: string | RegExp]>([
    ['without arguments', [], USER],
    ['without a user', ['--minutes', '10'], USER],
    ['given a user without a name', ['--user', '', '--minutes', '10'], USER],
    ['given a user with a long name', ['--user', 'x'.repeat(256), '--minutes', '10'], USER],
    ['without a limit', ['--user', 'ann'], 'Name what to change: --minutes, --cost or --active.'],
    ['given no number of minutes', ['--user', 'ann', '--minutes', 'many'], MINUTES],
    ['given an empty number of minutes', ['--user', 'ann', '--minutes', ''], MINUTES],
    ['given a half minute', ['--user', 'ann', '--minutes', '1.5'], MINUTES],
    ['given negative minutes', ['--user', 'ann', '--minutes=-1'], MINUTES],
    ['given too many minutes', ['--user', 'ann', '--minutes', '10000001'], MINUTES],
    ['given no amount', ['--user', 'ann', '--cost', '5 USD'], COST],
    ['given a negative amount', ['--user', 'ann', '--cost=-0.01'], COST],
    ['given a seventh decimal', ['--user', 'ann', '--cost', '0.0000001'], COST],
    ['given an amount beyond all bounds', ['--user', 'ann', '--cost', '1000000000.01'], COST],
    ['given another switch', ['--user', 'ann', '--active', 'true'], ACTIVE],
    ['given one bad limit among good ones', ['--user', 'ann', '--minutes', '5', '--cost', '5', '--active', ''], ACTIVE],
    ['given an unknown option', ['--user', 'ann', '--seconds', '5'], /^Unknown option '--seconds'/],
    [
      'given an option without its value',
      ['--user', 'ann', '--minutes'],
      /^Option '--minutes <value>' argument missing$/,
    ],
    ['given a word too many', ['ann', '--minutes', '10'], /^Unexpected argument 'ann'/],
  ])('%s', async (_what, args, sentence) => {
    const { exitCode, stdout, stderr } = await limit(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    const [first, ...rest] = stderr.trimEnd().split('\n');
    expect(first).toEqual(typeof sentence === 'string' ? sentence : expect.stringMatching(sentence));
    expect(rest.at(-1)).toBe(USAGE);
    expectNoInternals(stderr);
  });
});

it('says what to do with a database that has no tables yet', async () => {
  await using database = await createTestDatabase({ migrated: false });
  expect(await limit(['--user', 'ann', '--minutes', '10'], { DATABASE_URL: database.url })).toEqual({
    exitCode: 1,
    stdout: '',
    stderr:
      'The limit could not be set: this database lacks migrations of this version. ' +
      'Start the service on it once (npm start): it applies them.\n',
  });
  expect(await dumpDatabase(database)).toEqual({});
});

it('prints every problem of the settings on a line of its own', async () => {
  const settings = { PRICE_PER_MINUTE: 'cheap', BILLING_TIME_ZONE: 'Europe/Bernau' };
  const { exitCode, stderr } = await limit(['--user', 'ann', '--minutes', '10'], settings);
  expect(exitCode).toBe(1);
  expect(stderr.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^PRICE_PER_MINUTE /),
    expect.stringMatching(/^BILLING_TIME_ZONE /),
  ]);
});

it('says that there is no database where there is none', async () => {
  const { exitCode, stdout, stderr } = await limit(['--user', 'ann', '--minutes', '10'], {
    DATABASE_URL: 'postgres://ann:secret-word@127.0.0.1:1/none',
  });
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toMatch(/^The limit could not be set: .+\n$/);
  expect(stderr).not.toContain('secret-word');
});
