import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config, JwksAuth, SecretAuth } from '../config.ts';

const SECRET_BYTES = 48;
const MIN_SECRET_CHARACTERS = 32;
const FILE_NAME = 'auth-secret';

/** The authentication to run with: in embedded mode without settings, the secret of the data directory. */
export async function resolveAuth({ auth, dataDir }: Pick<Config, 'auth' | 'dataDir'>): Promise<SecretAuth | JwksAuth> {
  return auth.kind === 'generated' ? { ...auth, kind: 'secret', secret: await devSecret(dataDir) } : auth;
}

/**
 * The secret kept in the data directory, made at its first use and readable by its owner only.
 *
 * @throws Error when the directory cannot be written or read, or when the file was damaged.
 */
export async function devSecret(dataDir: string): Promise<string> {
  const path = join(dataDir, FILE_NAME);
  const secret = (await readIfExists(path)) ?? (await createSecret(dataDir, path));
  if (secret.length < MIN_SECRET_CHARACTERS) {
    throw new Error(`${path} holds no usable secret: delete the file, and the next start makes a new one.`);
  }
  return secret;
}

/** Of several processes that start at once the first one's secret stays: a link never replaces a file. */
async function createSecret(dataDir: string, path: string): Promise<string> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  await mkdir(dataDir, { recursive: true });
  try {
    await writeFile(draft, randomBytes(SECRET_BYTES).toString('base64url'), { mode: 0o600, flag: 'wx' });
    await link(draft, path).catch(ignore('EEXIST'));
    return await readFile(path, 'utf8');
  } finally {
    await rm(draft, { force: true });
  }
}

function readIfExists(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(ignore('ENOENT'));
}

function ignore(code: string): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (error.code !== code) throw error;
    return undefined;
  };
}
