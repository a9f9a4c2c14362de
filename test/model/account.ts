import type { Admission } from '../../src/domain/admission.ts';
import { nextPeriod } from '../../src/domain/period.ts';
import { heldOf, type ModelUser, type Rules, settledOf, sum, sumOfCosts, takesPlace } from './model.ts';
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

/** What a hold of a month finds free under the ceiling; null without one. It may move, so the next month must have room for it. */
export function roomOfAccount(
  users: readonly ModelUser[],
  { accountLimitCost }: Rules['policy'],
  period: string,
): bigint | null {
  if (accountLimitCost === null) return null;
  const rooms = [period, nextPeriod(period)].map((month) => accountLimitCost - claimsOn(users, month));
  return rooms.reduce((least, room) => (room < least ? room : least));
}

/** What is used and held of a month, and what is still held in the month before and about to come. */
function claimsOn(users: readonly ModelUser[], period: string): bigint {
  const coming = users
    .flatMap(({ records }) => records)
    .filter(({ holdingPeriod }) => nextPeriod(holdingPeriod) === period);
  return spentBy(users, period) + sumOfCosts(coming, ({ heldCost }) => heldCost);
}

/** What several users have used and hold of a month. */
export function spentBy(users: readonly ModelUser[], period: string): bigint {
  return sumOfCosts(users, (user) => settledOf(user, period).cost + heldOf(user, period).cost);
}

export function openInAll(users: readonly ModelUser[]): number {
  return sum(users, (user) => user.records.filter(takesPlace).length);
}
