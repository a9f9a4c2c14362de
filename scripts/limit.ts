/**
 * `npm run limit -- --user ID [--minutes N] [--cost 12.50] [--active on|off]`: sets a user's limits from this month on.
 * Running sessions follow at once.
 */
import { parseArgs } from 'node:util';
import { ConfigError, loadConfig } from '../src/config.ts';
import { createQuotaStore } from '../src/database/quota-store.ts';
import { isUserId } from '../src/domain/caller.ts';
import type { LimitChange } from '../src/domain/limits.ts';
import { formatMoney, parseMoney } from '../src/domain/money.ts';
import { periodAt } from '../src/domain/period.ts';
import { openDatabase } from './open-database.ts';

const USAGE = 'Usage: npm run limit -- --user ID [--minutes N] [--cost 12.50] [--active on|off]';
const LARGEST_MINUTES = 10_000_000;

class UsageError extends Error {}

function readArguments(args: string[]): LimitChange {
  const { user, minutes, cost, active } = parse(args);
  if (!user || !isUserId(user)) throw new UsageError('--user must name a user with 1 to 255 characters.');
  if (minutes === undefined && cost === undefined && active === undefined) {
    throw new UsageError('Name what to change: --minutes, --cost or --active.');
  }
  return {
    userId: user,
    limitMinutes: minutes === undefined ? null : readMinutes(minutes),
    limitCost: cost === undefined ? null : readCost(cost),
    isActive: active === undefined ? null : readSwitch(active),
  };
}

function parse(args: string[]) {
  try {
    const text = { type: 'string' } as const;
    return parseArgs({ args, options: { user: text, minutes: text, cost: text, active: text } }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function readMinutes(text: string): number {
  if (!/^\d{1,8}$/.test(text) || Number(text) > LARGEST_MINUTES) {
    throw new UsageError(`--minutes must be a whole number from 0 to ${LARGEST_MINUTES}.`);
  }
  return Number(text);
}

function readCost(text: string): bigint {
  try {
    const cost = parseMoney(text);
    if (cost >= 0n && cost <= parseMoney('1000000000')) return cost;
  } catch {
    // said below
  }
  throw new UsageError('--cost must be a decimal number such as 12.50, not negative.');
}

function readSwitch(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new UsageError('--active must be on or off.');
  return text === 'on';
}

async function main(args: string[]): Promise<string> {
  const change = readArguments(args);
  const config = loadConfig(process.env);
  await using database = await openDatabase(config);
  const clock = () => new Date();
  const store = createQuotaStore({ pool: database.pool, policy: config.policy, clock });
  await store.changeLimits(change);
  const quota = await store.read(change.userId, periodAt(clock(), config.policy.billingTimeZone));
  const cost = `${formatMoney(quota.limitCost)} ${config.policy.currency}`;
  return `${quota.userId}: ${quota.limitMinutes} minutes and ${cost} a month${quota.isActive ? '' : ', switched off'}.`;
}

try {
  process.stdout.write(`${await main(process.argv.slice(2))}\n`);
} catch (error) {
  if (error instanceof UsageError) process.stderr.write(`${error.message}\n${USAGE}\n`);
  else if (error instanceof ConfigError) process.stderr.write(`${error.message}\n`);
  else process.stderr.write(`The limit could not be set: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
