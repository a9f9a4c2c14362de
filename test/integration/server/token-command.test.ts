import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config.ts';
import { createAuthenticator } from '../../../src/server/auth.ts';
import { devSecret, resolveAuth } from '../../../src/server/dev-secret.ts';
import { runCommand } from '../../support/command.ts';

const SECRET = 'the secret of these tests, long enough';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'avatar-quota-token-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

/** Runs the command with nothing in its environment but the given settings and the data directory. */
function token(args: string[], settings: Record<string, string> = {}) {
  return runCommand('token', args, { DATA_DIR: dataDir, ...settings });
}

async function callerOf(jwt: string, settings: Record<string, string> = {}) {
  const auth = await resolveAuth(loadConfig({ DATA_DIR: dataDir, ...settings }));
  return createAuthenticator(auth, () => new Date()).authenticate(`Bearer ${jwt.trim()}`);
}

it('prints nothing but a token that the embedded service accepts', async () => {
  const { exitCode, stdout, stderr } = await token(['--user', 'anna']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  await expect(callerOf(stdout)).resolves.toMatchObject({ userId: 'anna', isAdmin: false });
});

it('signs with the configured secret, issuer, audience and role', async () => {
  const settings = {
    AUTH_JWT_SECRET: SECRET,
    AUTH_ISSUER: 'me',
    AUTH_AUDIENCE: 'quota',
    AUTH_ROLE_CLAIM: 'realm_access.role',
    AUTH_ADMIN_ROLE: 'boss',
  };
  const { stdout } = await token(['--user', 'root', '--admin'], settings);
  await expect(callerOf(stdout, settings)).resolves.toMatchObject({ userId: 'root', isAdmin: true });
  expect(decodeJwt(stdout)).toMatchObject({ iss: 'me', aud: 'quota', realm_access: { role: 'boss' } });
  await expect(readdir(dataDir)).resolves.toEqual([]);
});

it.each([
  ['90s', 90],
  ['15m', 900],
  ['1h', 3600],
  ['7d', 604_800],
])('takes the lifetime %s', async (ttl, seconds) => {
  const { stdout } = await token(['--user', 'anna', '--ttl', ttl]);
  const { iat = 0, exp = 0 } = decodeJwt(stdout);
  expect(exp - iat).toBe(seconds);
});

const TTL = '--ttl must be a duration such as 90s, 15m, 1h, or 7d, at most 3650d.';

it.each<[string, string[], string]>([
  ['no user', [], '--user is required.'],
  ['a user ID that no token may carry', ['--user', 'x'.repeat(256)], '--user must have 1 to 255 characters.'],
  ['an unknown option', ['--user', 'anna', '--root'], 'Unknown option: --root'],
  ['a lifetime without a unit', ['--user', 'anna', '--ttl', '90'], TTL],
  ['a lifetime of nothing', ['--user', 'anna', '--ttl', '0s'], TTL],
  ['a lifetime above the maximum', ['--user', 'anna', '--ttl', '3651d'], TTL],
])('refers to its help when given %s', async (_, args, problem) => {
  expect(await token(args)).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: `${problem}\nSee npm run -s token -- --help\n`,
  });
});

it('explains that only the identity provider signs tokens with AUTH_JWKS_URL', async () => {
  const { exitCode, stderr } = await token(['--user', 'anna'], { AUTH_JWKS_URL: 'https://id.example/jwks.json' });
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^AUTH_JWKS_URL is set: only the identity provider can sign tokens\./);
});

it('reports the problems of authentication, and of no other settings', async () => {
  const bad = { AUTH_JWT_SECRET: 'short', PORT: 'x', VENDOR: 'tavus', DATABASE_URL: 'mysql://db' };
  expect(await token(['--user', 'anna'], bad)).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: 'AUTH_JWT_SECRET must have 32 bytes or more.\n',
  });
});

it('keeps the generated secret in a file for its owner only, and reuses it', async () => {
  const first = await devSecret(join(dataDir, 'new'));
  const file = join(dataDir, 'new', 'auth-secret');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await expect(readFile(file, 'utf8')).resolves.toBe(first);
  await expect(devSecret(join(dataDir, 'new'))).resolves.toBe(first);
});

it('gives one secret to all that ask at once for the first time, and leaves nothing else behind', async () => {
  const secrets = await Promise.all(Array.from({ length: 10 }, () => devSecret(dataDir)));
  expect(new Set(secrets).size).toBe(1);
  await expect(readdir(dataDir)).resolves.toEqual(['auth-secret']);
});

it('refuses a damaged secret instead of signing with it', async () => {
  await writeFile(join(dataDir, 'auth-secret'), '');
  await expect(devSecret(dataDir)).rejects.toThrow('holds no usable secret: delete the file');
});
