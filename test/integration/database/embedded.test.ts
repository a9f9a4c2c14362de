import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/embedded-postgres/embedded-postgres.ts';
import { createDataDirectory } from '../../support/data-directory.ts';
import { readServerPid, startEmbeddedProcess, waitForExit } from '../../support/embedded-process.ts';

/** In milliseconds: initdb and the stops wait for the disk, which other tests keep busy. */
const TIMEOUT = 120_000;

let postgres: EmbeddedPostgres | undefined;

afterEach(async () => {
  await postgres?.stop();
  postgres = undefined;
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('in one directory', { timeout: TIMEOUT }, () => {
  let dataDir: string;

  beforeAll(async () => {
    dataDir = await createDataDirectory();
  });

  afterAll(async () => {
    await rm(dataDir, { recursive: true });
  });

  test('keeps its data over a stop and a start', async () => {
    postgres = await startEmbeddedPostgres({ dataDir });
    await query(postgres.url, 'CREATE TABLE first_test AS SELECT 1 AS id');
    const pid = await readServerPid(dataDir);
    await postgres.stop();
    await waitForExit(pid);

    postgres = await startEmbeddedPostgres({ dataDir });

    expect(await query(postgres.url, 'SELECT id FROM first_test')).toEqual([{ id: 1 }]);
  });

  test('is a UTF-8 database that only this machine reaches, by a password that only its owner reads', async () => {
    postgres = await startEmbeddedPostgres({ dataDir, databaseName: 'other name', flags: ['-c work_mem=5MB'] });

    const [settings] = await query(
      postgres.url,
      `SELECT current_database(), getdatabaseencoding(), current_setting('listen_addresses') AS listen,
       current_setting('unix_socket_directories') AS sockets, current_setting('fsync') AS fsync,
       current_setting('work_mem') AS work_mem`,
    );
    expect(settings).toEqual({
      current_database: 'other name',
      getdatabaseencoding: 'UTF8',
      listen: '127.0.0.1',
      sockets: '',
      fsync: 'on',
      work_mem: '5MB',
    });
    expect((await stat(join(dataDir, 'postgres', 'superuser-password'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(dataDir, 'postgres'))).mode & 0o777).toBe(0o700);
    const wrongPassword = new URL(postgres.url);
    wrongPassword.password = 'wrong';
    await expect(query(wrongPassword.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  test('takes over the server that a killed process left running', async () => {
    const killed = await startEmbeddedProcess(dataDir);
    await query(killed.url, 'CREATE TABLE third_test AS SELECT 1 AS id');
    const pid = await readServerPid(dataDir);
    killed.process.kill('SIGKILL');
    await once(killed.process, 'exit');

    postgres = await startEmbeddedPostgres({ dataDir });

    expect(await query(postgres.url, 'SELECT id FROM third_test')).toEqual([{ id: 1 }]);
    expect(await readServerPid(dataDir)).toBe(pid);
    await postgres.stop();
    await waitForExit(pid);
  });

  test('starts again after the server was killed too', async () => {
    const killed = await startEmbeddedProcess(dataDir);
    await query(killed.url, 'CREATE TABLE fourth_test AS SELECT 1 AS id');
    const pid = await readServerPid(dataDir);
    killed.process.kill('SIGKILL');
    process.kill(pid, 'SIGKILL');
    await Promise.all([once(killed.process, 'exit'), waitForExit(pid)]);

    postgres = await startEmbeddedPostgres({ dataDir });

    expect(await query(postgres.url, 'SELECT id FROM fourth_test')).toEqual([{ id: 1 }]);
  });

  test('is not misled by another process that got the id of a dead server', async () => {
    postgres = await startEmbeddedPostgres({ dataDir });
    const pidFile = join(dataDir, 'postgres', 'postmaster.pid');
    const [, ...rest] = (await readFile(pidFile, 'utf8')).split('\n');
    await postgres.stop();
    const { uid, gid } = await stat(join(dataDir, 'postgres'));
    const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { uid, gid, stdio: 'ignore' });
    await writeFile(pidFile, [other.pid, ...rest].join('\n'));

    postgres = await startEmbeddedPostgres({ dataDir });

    expect(await readServerPid(dataDir)).not.toBe(other.pid);
    expect(other.exitCode).toBe(null);
    other.kill();
  });

  test('stays out of reach of Ctrl-C, which leaves the process to shut down in order', async () => {
    const interrupted = await startEmbeddedProcess(dataDir);
    const pid = await readServerPid(dataDir);

    process.kill(-(interrupted.process.pid ?? 0), 'SIGINT'); // as a terminal does: to the group

    expect(await once(interrupted.process, 'exit')).toEqual([0, null]);
    await waitForExit(pid);
    postgres = await startEmbeddedPostgres({ dataDir });
    expect(await query(postgres.url, 'SELECT * FROM farewell')).toEqual([]);
  });

  test('quotes the server when it does not start', async () => {
    await expect(startEmbeddedPostgres({ dataDir, flags: ['-c nonsense=1'] })).rejects.toThrow(
      /did not start: .*set DATABASE_URL.*unrecognized configuration parameter "nonsense"/s,
    );
  });
});

describe('in a new directory', { timeout: TIMEOUT }, () => {
  let dataDir: string;

  beforeEach(async () => {
    dataDir = await createDataDirectory();
  });

  afterEach(async () => {
    await postgres?.stop();
    await rm(dataDir, { recursive: true });
  });

  test('is shared by processes that start at once, and stopped by the last of them', async () => {
    const [first, second] = await Promise.all([startEmbeddedProcess(dataDir), startEmbeddedProcess(dataDir)]);
    postgres = await startEmbeddedPostgres({ dataDir });
    expect([first.url, second.url]).toEqual([postgres.url, postgres.url]);
    const pid = await readServerPid(dataDir);

    await postgres.stop();
    second.process.kill('SIGKILL');
    await once(second.process, 'exit');
    expect(await query(first.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);

    first.process.kill('SIGINT');
    await once(first.process, 'exit');
    await waitForExit(pid);
  });

  test('removes what an interrupted initdb left behind', async () => {
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    await mkdir(join(dataDir, `postgres.init-${dead.pid}`, 'cluster'), { recursive: true });

    postgres = await startEmbeddedPostgres({ dataDir });

    expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres.log']);
  });

  test('says what to do about a directory that is no cluster of ours', async () => {
    await mkdir(join(dataDir, 'postgres'));
    await writeFile(join(dataDir, 'postgres', 'stray'), '');

    await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(/superuser-password.*move .* away/s);
  });
});
