import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PostgresPrograms, runProgram, type ServerAccount } from './programs.ts';

/** A data directory with the means to run PostgreSQL on it. */
export interface Cluster {
  readonly programs: PostgresPrograms;
  readonly account: ServerAccount;
  /** What `initdb` made, `<dataDir>/postgres`. */
  readonly directory: string;
  /** What the programs printed last, `<dataDir>/postgres.log`. */
  readonly logFile: string;
}

export const SUPERUSER = 'avatar_quota';

interface LogOptions {
  readonly cwd: string;
  /** Whether the log keeps what it has. @default false */
  readonly append?: boolean;
}

/** Runs a program whose output goes to the cluster's log, and resolves with its exit code as {@link runProgram} does. */
export async function runLogged(
  { programs, account, logFile }: Cluster,
  program: keyof PostgresPrograms,
  args: readonly string[],
  { cwd, append = false }: LogOptions,
): Promise<number | null> {
  const output = openSync(logFile, append ? 'a' : 'w', 0o600);
  return await runProgram(programs[program], args, { account, cwd, output }).finally(() => closeSync(output));
}

/** Lies inside the cluster, so that the two can neither part nor be half there. */
const PASSWORD_FILE = 'superuser-password';

/**
 * Makes the cluster unless there is one. It is built aside and renamed when complete, so that an `initdb` which was
 * interrupted leaves nothing that could pass for a cluster, and of two processes that build at once one wins.
 * @throws Error when `initdb` fails
 */
export async function createCluster(cluster: Cluster, dataDir: string): Promise<void> {
  await removeAbandoned(dataDir);
  if (await exists(cluster.directory)) return;

  const workshop = join(dataDir, `${WORKSHOP_PREFIX}${process.pid}`);
  const unfinished = join(workshop, 'cluster');
  const passwordFile = join(workshop, PASSWORD_FILE);
  await mkdir(workshop, { mode: 0o700 });
  await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
  await give(workshop, cluster.account);
  await give(passwordFile, cluster.account);
  try {
    const args = [
      `--pgdata=${unfinished}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // Sorts alike on every system, whatever locales are installed there.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ];
    const code = await runLogged(cluster, 'initdb', args, { cwd: workshop });
    if (code !== 0) throw new Error(await explainFailure(cluster, `initdb ended with code ${code}`));
    await rename(passwordFile, join(unfinished, PASSWORD_FILE));
    await rename(unfinished, cluster.directory).catch(async (error) => {
      if (!(await exists(cluster.directory))) throw error; // else another process was faster
    });
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

/** @throws Error when the cluster was not made by {@link createCluster}, or its password was removed */
export async function readPassword(cluster: Cluster): Promise<string> {
  const file = join(cluster.directory, PASSWORD_FILE);
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new Error(
      `The password of the embedded PostgreSQL cannot be read from ${file}. Restore the file, or move ${cluster.directory} away to begin with an empty database.`,
      { cause },
    );
  }
}

/** An error message with the last lines that PostgreSQL wrote. */
export async function explainFailure(cluster: Cluster, what: string): Promise<string> {
  const log = await readFile(cluster.logFile, 'utf8').catch(() => '');
  const lastLines = log.trim().split('\n').slice(-8).join('\n');
  return `The embedded PostgreSQL in ${cluster.directory} did not start: ${what}. Repair the cause, or set DATABASE_URL to a PostgreSQL of your own. Its last words, from ${cluster.logFile}:\n${lastLines}`;
}

const WORKSHOP_PREFIX = 'postgres.init-';

/** Removes what processes left behind that died during `initdb`; also our own, had one of them the same id. */
async function removeAbandoned(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (!name.startsWith(WORKSHOP_PREFIX)) continue;
    const builder = Number(name.slice(WORKSHOP_PREFIX.length));
    if (builder === process.pid || !isAlive(builder)) await rm(join(dataDir, name), { recursive: true, force: true });
  }
}

/** Whether a process has this id, be it ours to signal or not. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function give(path: string, { uid, gid }: ServerAccount): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
}

export async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
