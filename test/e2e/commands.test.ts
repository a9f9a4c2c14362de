import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { createDataDirectory } from '../support/data-directory.ts';
import { createTestDatabase } from '../support/database.ts';
import { readServerPid, waitForExit } from '../support/embedded-process.ts';
import { expectNoInternals } from '../support/leaks.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { startSession } from '../support/operations.ts';
import { startTestService } from '../support/service.ts';

/** In milliseconds: initdb and the stops wait for the disk, which other tests keep busy. */
const EMBEDDED_MS = 120_000;
const COMMANDS = ['audit', 'price', 'quota', 'reconcile', 'token'] as const;

/** What every command that needs the database is called with. */
const OF_DATABASE: [name: (typeof COMMANDS)[number], args: string[]][] = [
  ['audit', []],
  ['price', []],
  ['quota', ['--user', 'ann']],
  ['reconcile', ['--report', '2026-11']],
];

describe.concurrent('--help', () => {
  it.each(COMMANDS)('of %s has the same parts as that of every command, and needs no settings', async (name) => {
    const { exitCode, stdout, stderr } = await runCommand(name, ['--help'], {});
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.match(/^\S.*:(?= |$)/gm)?.filter((heading) => !heading.includes(' --'))).toEqual(
      expect.arrayContaining(['Usage:', 'Options:', 'Settings:', 'Example:', 'Exit codes:']),
    );
    expect(stdout).toContain(`\nUsage: npm run -s ${name} -- `);
    expect(stdout).toContain(`\nExample:\n  npm run -s ${name}`);
    expect(stdout).toContain('-h, --help');
    expect(stdout).toMatch(/\nExit codes:\n {2}0 {2}.+\n {2}1 {2}.+\n {2}2 {2}.+\n$/);
  });

  it('is printed whatever else is given', async () => {
    const { exitCode, stdout } = await runCommand('quota', ['--minutes', 'many', '-h'], {});
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Shows the quota of a user/);
  });
});

describe.concurrent('without a database', () => {
  it.each(OF_DATABASE)('%s names DATABASE_URL and the server, but no password', async (name, args) => {
    const url = 'postgres://ann:secret-word@127.0.0.1:1/none';
    const { exitCode, stdout, stderr } = await runCommand(name, args, { DATABASE_URL: url });
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'PostgreSQL at 127.0.0.1:1 refuses connections. Start it, or correct the host and port in DATABASE_URL.\n',
    });
  });

  it('a refused login names the role and the setting', async () => {
    await using database = await createTestDatabase();
    const url = new URL(database.url);
    url.password = 'secret-word';
    const { exitCode, stderr } = await runCommand('audit', [], { DATABASE_URL: url.href });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^PostgreSQL at .+ refuses the password of role ".+"\. Correct the user and password in DATABASE_URL\.\n$/,
    );
    expect(stderr).not.toContain('secret-word');
    expectNoInternals(stderr);
  });

  it.each(OF_DATABASE)('%s creates none in DATA_DIR', async (name, args) => {
    const dataDir = join(await createDataDirectory(), 'missing');
    expect(await runCommand(name, args, { DATA_DIR: dataDir })).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `No data in ${dataDir}. Start the service once with npm start, or set DATABASE_URL.\n`,
    });
    await expect(rm(dataDir)).rejects.toThrow('ENOENT');
    await rm(join(dataDir, '..'), { recursive: true });
  });
});

describe('on the data of the embedded database', { timeout: EMBEDDED_MS }, () => {
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await createDataDirectory();
  });
  afterAll(() => rm(dataDir, { recursive: true }));

  it('commands work while the service runs and leave its server running, and after it has ended', async () => {
    const settings = { DATA_DIR: dataDir };
    const service = await startNodeProcess({ ...settings, PORT: '0' });
    const pid = await readServerPid(dataDir);
    const show = ['--user', 'demo-user', '--json'];

    const during = await runCommand('quota', show, settings);
    expect(during).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(during.stdout)).toMatchObject({ userId: 'demo-user', usedSeconds: 47 * 60 });
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
    expect(await service.end('SIGTERM')).toEqual({ code: 0, signal: null });
    await waitForExit(pid);

    for (const [name, args] of OF_DATABASE) {
      expect(await runCommand(name, args, settings)).toMatchObject({ exitCode: 0 });
    }
    expect((await runCommand('quota', show, settings)).stdout).toBe(during.stdout);
    await expect(readServerPid(dataDir)).rejects.toThrow('ENOENT');
  });
});

describe('npm run audit', () => {
  it('prints what it checked, and each difference on a line of its own', async () => {
    await using service = await startTestService();
    const settings = { DATABASE_URL: service.database.url };
    expect(await runCommand('audit', [], settings)).toEqual({
      exitCode: 0,
      stdout: 'There are no quotas yet, so there was nothing to check.\n',
      stderr: '',
    });

    await startSession(service, await service.token('ann'));
    await startSession(service, await service.token('bob'));
    const checked =
      /^Checked 2 quotas \(2 users, 1 month\) against \d+ ledger entries and 2 usage records: everything balances\.\n$/;
    expect(await runCommand('audit', [], settings)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(checked),
    });

    await service.database.query(`UPDATE usage_quotas SET used_cost = 1.5, session_count = 7 WHERE user_id = 'ann'`);
    const { exitCode, stdout } = await runCommand('audit', [], settings);
    expect(exitCode).toBe(1);
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^\S+ {2}ann {2}sessions started +stored: 7 sessions {2}recomputed: 1 sessions$/),
      expect.stringMatching(/^\S+ {2}ann {2}used cost, by the ledger +stored: 1\.50 USD +recomputed: 0\.00 USD$/),
      expect.stringMatching(/^\S+ {2}ann {2}used cost, by the records +stored: 1\.50 USD +recomputed: 0\.00 USD$/),
      expect.stringMatching(/^Checked 2 quotas .+: 3 differences\.$/),
    ]);
    const json = await runCommand('audit', ['--json'], settings);
    expect(json.exitCode).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      checked: { quotas: 2, users: 2, months: 1, records: 2 },
      currency: 'USD',
      differences: [
        { userId: 'ann', what: 'sessions started', unit: 'sessions', quota: '7', recomputed: '1' },
        { unit: 'cost', quota: '1.5', recomputed: '0' },
        { unit: 'cost', quota: '1.5', recomputed: '0' },
      ],
    });
    await service.database.query(`UPDATE usage_quotas SET used_cost = 0, session_count = 1 WHERE user_id = 'ann'`);
  });
});
