import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { ServerAccount } from './embedded-programs.ts';

const run = promisify(execFile);

/**
 * PostgreSQL refuses to run as root. For root the server runs as the owner of the existing cluster, or else as the
 * system user `postgres`, which is created when it is missing.
 * @throws Error when there is no such user and it cannot be created
 */
export async function chooseServerAccount(clusterDir: string): Promise<ServerAccount> {
  if (process.getuid?.() !== 0) return {};
  const owner = await stat(clusterDir).catch(() => undefined);
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  return (await findPostgresUser()) ?? (await createPostgresUser());
}

async function findPostgresUser(): Promise<ServerAccount | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}

async function createPostgresUser(): Promise<ServerAccount> {
  let cause: unknown;
  try {
    await run('useradd', ['--system', '--user-group', '--no-create-home', 'postgres']);
  } catch (error) {
    cause = error; // perhaps another process was faster
  }
  const account = await findPostgresUser();
  if (account) return account;
  throw new Error(
    'PostgreSQL does not run as root, and no user `postgres` could be created for it. Run as another user, or set DATABASE_URL.',
    { cause },
  );
}
