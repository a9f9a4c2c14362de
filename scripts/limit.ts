/**
 * `npm run limit -- --user ID [--minutes N] [--cost 12.50] [--active on|off]`: sets a user's limits from this month on.
 * Running sessions follow at once.
 */
import { loadConfig } from '../src/config.ts';
import { createQuotaStore } from '../src/database/quota-store.ts';
import { isUserId } from '../src/domain/caller.ts';
import type { LimitChange } from '../src/domain/limits.ts';
import { formatMoney } from '../src/domain/money.ts';
import { periodAt } from '../src/domain/period.ts';
import { parseOptions, readAmount, readWholeNumber, runCommand, UsageError } from './arguments.ts';
import { openDatabase } from './open-database.ts';

const USAGE = 'Usage: npm run limit -- --user ID [--minutes N] [--cost 12.50] [--active on|off]';
const LARGEST_MINUTES = 10_000_000;

function readArguments(args: string[]): LimitChange {
  const { user, minutes, cost, active } = parseOptions(args, ['user', 'minutes', 'cost', 'active']);
  if (!user || !isUserId(user)) throw new UsageError('--user must name a user with 1 to 255 characters.');
  if (minutes === undefined && cost === undefined && active === undefined) {
    throw new UsageError('Name what to change: --minutes, --cost or --active.');
  }
  return {
    userId: user,
    limitMinutes: minutes === undefined ? null : readWholeNumber('--minutes', minutes, LARGEST_MINUTES),
    limitCost: cost === undefined ? null : readAmount('--cost', cost),
    isActive: active === undefined ? null : readSwitch(active),
  };
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

await runCommand(main, { usage: USAGE, failure: 'The limit could not be set' });
