import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { createTestDatabase } from '../support/database.ts';
import { dumpDatabase } from '../support/dump.ts';
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

const quota = (args: string[], settings: Record<string, string> = {}) =>
  runCommand('quota', args, { ...service.environment, ...settings });

const USER = '--user must have 1 to 255 characters.';
const MINUTES = '--minutes must be a whole number from 0 to 10000000.';
const COST = '--cost must be a decimal number from 0 to 1000000000 with at most 6 decimals, such as 0.50.';
const ACTIVE = '--active must be on or off.';

describe.concurrent('changes nothing and refers to its help', { timeout: 60_000 }, () => {
  it.each<[what: string, args: string[], sentence: string]>([
    ['without a user', ['--minutes', '10'], '--user is required.'],
    ['given an empty user', ['--user', '', '--minutes', '10'], USER],
    ['given a user with a long ID', ['--user', 'x'.repeat(256), '--minutes', '10'], USER],
    ['given no number of minutes', ['--user', 'ann', '--minutes', 'many'], MINUTES],
    ['given an empty number of minutes', ['--user', 'ann', '--minutes', ''], MINUTES],
    ['given a half minute', ['--user', 'ann', '--minutes', '1.5'], MINUTES],
    ['given negative minutes', ['--user', 'ann', '--minutes=-1'], MINUTES],
    ['given too many minutes', ['--user', 'ann', '--minutes', '10000001'], MINUTES],
    ['given no amount', ['--user', 'ann', '--cost', '5 USD'], COST],
    ['given a negative amount', ['--user', 'ann', '--cost', '-0.01'], COST],
    ['given a seventh decimal', ['--user', 'ann', '--cost', '0.0000001'], COST],
    ['given an amount above the maximum', ['--user', 'ann', '--cost', '1000000000.01'], COST],
    ['given another switch', ['--user', 'ann', '--active', 'true'], ACTIVE],
    ['given one bad limit among good ones', ['--user', 'ann', '--minutes', '5', '--cost', '5', '--active', ''], ACTIVE],
  ])('%s', async (_what, args, sentence) => {
    expect(await quota(args)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `${sentence}\nSee npm run -s quota -- --help\n`,
    });
  });
});

describe('without the settings of the vendor and of authentication', () => {
  const settings = () => ({ DATABASE_URL: service.database.url, BILLING_TIME_ZONE: 'Europe/Berlin' });

  it('shows a quota with its open sessions as a table', async () => {
    const { exitCode, stdout, stderr } = await runCommand('quota', ['--user', 'ann'], settings());
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.trimEnd().split('\n')).toEqual([
      'User           ann',
      expect.stringMatching(/^Month {10}\d{4}-\d\d, resets \d{4}-\d\d-01 00:00 Europe\/Berlin$/),
      'Active         yes',
      'Warning        none',
      'Open sessions  1 running',
      '',
      expect.stringMatching(/^ +Limit +Used +Held {2}Used %$/),
      expect.stringMatching(/^Minutes +60\.00 +\d\.\d\d +\d\d\.\d\d +\d\.\d\d %$/),
      expect.stringMatching(/^Cost +50\.00 USD +\d\.\d+ USD +\d+\.\d+ USD +\d\.\d\d %$/),
      '',
      expect.stringMatching(/^Conversation +Status +Since +Minutes held$/),
      expect.stringMatching(/^\S+ +running +\d{4}-\d\d-\d\d \d\d:\d\d Europe\/Berlin +30\.00$/),
    ]);
  });

  it('prints JSON with the names and units of the GraphQL type', async () => {
    const { stdout } = await runCommand('quota', ['--user', 'ann', '--json'], settings());
    const { usedSeconds, ...printed } = JSON.parse(stdout);
    expect(printed).toEqual({
      userId: 'ann',
      period: expect.stringMatching(/^\d{4}-\d\d$/),
      currency: 'USD',
      limitMinutes: 60,
      limitCost: '50.00',
      usedMinutes: expect.closeTo(usedSeconds / 60, 4),
      usedCost: expect.stringMatching(/^\d\.\d+$/),
      heldSeconds: 1800 - usedSeconds,
      heldCost: expect.stringMatching(/^1\d\.\d+$/),
      availableSeconds: 1800,
      percentUsed: expect.any(Number),
      warning: null,
      openSessions: [
        {
          sessionId: expect.any(String),
          status: 'ACTIVE',
          createdAt: expect.stringMatching(/Z$/),
          countedFrom: expect.stringMatching(/Z$/),
          heldSeconds: 1800,
        },
      ],
      isActive: true,
      resetsAt: expect.stringMatching(/Z$/),
    });
  });

  it('points out a user without a quota, and shows the defaults', async () => {
    const { exitCode, stdout, stderr } = await runCommand('quota', ['--user', 'an\u001bn'], {
      ...settings(),
      DEFAULT_MONTHLY_LIMIT_MINUTES: '45',
    });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: 'Warning: an\\x1bn has no quota yet. These are the defaults.\n',
    });
    expect(stdout).toMatch(/^User {11}an\\x1bn\n/);
    expect(stdout).toMatch(/^Minutes +45\.00 +0\.00 +0\.00 +0\.00 %$/m);
    expect(stdout).toMatch(/^Open sessions {2}none$/m);
  });
});

it('sets the limits of a user without a quota, and points that out', async () => {
  await using other = await startTestService();
  const args = ['--user', 'bob', '--minutes', '0', '--active', 'off'];
  const { exitCode, stdout, stderr } = await runCommand('quota', args, { DATABASE_URL: other.database.url });
  expect({ exitCode, stderr }).toEqual({
    exitCode: 0,
    stderr: 'Warning: bob had no quota yet, so one was created. If you expected an existing user, check the ID.\n',
  });
  expect(stdout).toMatch(/^Active {9}no: new tokens are refused$/m);
  expect(stdout).toMatch(/^Warning {8}100 % of minutes reached$/m);
  expect(await runCommand('quota', ['--user', 'bob'], { DATABASE_URL: other.database.url })).toEqual({
    exitCode: 0,
    stdout,
    stderr: '',
  });
});

it('says what to do with a database that has no tables yet', async () => {
  await using database = await createTestDatabase({ migrated: false });
  expect(await quota(['--user', 'ann', '--minutes', '10'], { DATABASE_URL: database.url })).toEqual({
    exitCode: 1,
    stdout: '',
    stderr:
      'The database in DATABASE_URL is not ready for this version. Start the service once with npm start: it migrates it.\n',
  });
  expect(await dumpDatabase(database)).toEqual({});
});

it('prints every problem of the settings on a line of its own', async () => {
  const settings = { PRICE_PER_MINUTE: 'cheap', BILLING_TIME_ZONE: 'Europe/Bernau', LOG_LEVEL: 'loud' };
  const { exitCode, stderr } = await quota(['--user', 'ann', '--minutes', '10'], settings);
  expect(exitCode).toBe(1);
  expect(stderr.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^PRICE_PER_MINUTE /),
    expect.stringMatching(/^BILLING_TIME_ZONE /),
  ]);
});
