import type { Admission } from '../../src/domain/admission.ts';
import { nextPeriod } from '../../src/domain/period.ts';
import { heldOf, type ModelUser, openRecords, type Rules, settledOf, sum, sumOfCosts } from './model.ts';
import { affordable, type Terms } from './prices.ts';

// The account's own ceilings in the model: docs/decisions/0014.

export function hasCeiling({ accountLimitCost, accountMaxSessions }: Rules['policy']): boolean {
  return accountLimitCost !== null || accountMaxSessions !== null;
}

/** How much of a grant the account has room for once the records that it supersedes have ended. */
export function withinAccount(
  grantSeconds: number,
  user: ModelUser,
  leaving: number,
  { policy, others }: Rules,
  terms: Terms,
  period: string,
): Admission {
  const users = [user, ...others];
  const { accountMaxSessions, minSessionSeconds } = policy;
  if (accountMaxSessions !== null && openInAll(users) - leaving >= accountMaxSessions) {
    return { outcome: 'account_crowded' };
  }
  const room = roomOfAccount(users, policy, period);
  const fits = room === null ? grantSeconds : Math.min(grantSeconds, affordable(0, room, terms));
  return fits < minSessionSeconds ? { outcome: 'account_exceeded' } : { outcome: 'granted', grantSeconds: fits };
}

/** What is left of a month's ceiling; null without one. What is still held in the month before is about to come. */
export function roomOfAccount(
  users: readonly ModelUser[],
  { accountLimitCost }: Rules['policy'],
  period: string,
): bigint | null {
  if (accountLimitCost === null) return null;
  const coming = users.flatMap(openRecords).filter(({ holdingPeriod }) => nextPeriod(holdingPeriod) === period);
  return accountLimitCost - spentBy(users, period) - sumOfCosts(coming, ({ heldCost }) => heldCost);
}

/** What several users have used and hold of a month. */
export function spentBy(users: readonly ModelUser[], period: string): bigint {
  return sumOfCosts(users, (user) => settledOf(user, period).cost + heldOf(user, period).cost);
}

export function openInAll(users: readonly ModelUser[]): number {
  return sum(users, (user) => openRecords(user).length);
}
