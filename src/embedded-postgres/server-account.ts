import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { ServerAccount } from './programs.ts';

const run = promisify(execFile);

/**
 * PostgreSQL refuses to run as root. For root the server runs as the owner of the existing cluster, or else as the
 * system user `postgres`, which is created when it is missing.
 *
 * That user may be unable to get to the paths, as when the project lies in root's home. Then the server keeps root's
 * right to pass through directories, as far as the system can arrange that.
 * @param paths what the server's user must get to
 * @throws Error when there is no such user and it cannot be created, or when it cannot get to a path
 */
export async function chooseServerAccount(clusterDir: string, paths: readonly string[]): Promise<ServerAccount> {
  if (process.getuid?.() !== 0) return {};
  const account = (await findOwner(clusterDir)) ?? (await findPostgresUser()) ?? (await createPostgresUser());
  for (const path of paths) {
    if (await succeeds('test', ['-x', path], account)) continue;
    const passage = passAsRoot(account);
    if (await succeeds('setpriv', [...passage, 'test', '-x', path])) return { ...account, passage };
    throw new Error(
      `PostgreSQL does not run as root, and its user cannot get to ${path}. Move the project and its data to a directory that everyone may pass through, run as another user, or set DATABASE_URL.`,
    );
  }
  return account;
}

/** Arguments of `setpriv`. The last one keeps the right in access(2) too, by which PostgreSQL checks its own programs. */
function passAsRoot({ uid, gid }: ServerAccount): string[] {
  return [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    '--securebits=+no_setuid_fixup',
  ];
}

async function succeeds(command: string, args: readonly string[], account: ServerAccount = {}): Promise<boolean> {
  const { uid, gid } = account;
  return await run(command, args, uid === undefined || gid === undefined ? {} : { uid, gid }).then(
    () => true,
    () => false,
  );
}

async function findOwner(clusterDir: string): Promise<ServerAccount | undefined> {
  const owner = await stat(clusterDir).catch(() => undefined);
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : undefined;
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
