/** `npm run token -- --user ID [--admin] [--ttl 1h]`: prints a JWT signed with the configured secret. */
import { parseArgs } from 'node:util';
import { ConfigError, loadConfig } from '../src/config.ts';
import { isUserId } from '../src/domain/caller.ts';
import { resolveAuth } from '../src/server/dev-secret.ts';
import { issueToken } from '../src/server/issue-token.ts';

const USAGE = 'Usage: npm run token -- --user ID [--admin] [--ttl 1h]   (ttl: a number and s, m, h or d)';
const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 };
const LONGEST_TTL_DAYS = 3650;

class UsageError extends Error {}

async function main(args: string[]): Promise<string> {
  const { user, admin, ttlSeconds } = readArguments(args);
  const auth = await resolveAuth(loadConfig(process.env));
  if (auth.kind === 'jwks') {
    throw new UsageError(
      'AUTH_JWKS_URL is set: tokens are signed by the identity provider, whose private key is not here. ' +
        'Get one from it, or set AUTH_JWT_SECRET instead.',
    );
  }
  return issueToken({ ...auth, userId: user, admin, ttlSeconds }, () => new Date());
}

function readArguments(args: string[]): { user: string; admin: boolean; ttlSeconds: number } {
  const { user, admin, ttl } = parse(args);
  if (!user) throw new UsageError(`--user is missing.\n${USAGE}`);
  if (!isUserId(user)) throw new UsageError(`--user must have 1 to 255 characters.\n${USAGE}`);
  return { user, admin, ttlSeconds: readDuration(ttl) };
}

function parse(args: string[]): { user?: string; admin: boolean; ttl: string } {
  try {
    return parseArgs({
      args,
      options: {
        user: { type: 'string' },
        admin: { type: 'boolean', default: false },
        ttl: { type: 'string', default: '1h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`);
  }
}

function readDuration(text: string): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * SECONDS[unit as keyof typeof SECONDS];
  if (seconds >= 1 && seconds <= LONGEST_TTL_DAYS * SECONDS.d) return seconds;
  throw new UsageError(`--ttl must be like 90s, 15m, 1h or 7d, and at most ${LONGEST_TTL_DAYS}d.\n${USAGE}`);
}

try {
  process.stdout.write(`${await main(process.argv.slice(2))}\n`);
} catch (error) {
  if (!(error instanceof UsageError || error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
