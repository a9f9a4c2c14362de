import type { Micros } from '../money.ts';
import { type BillingPeriod, previousPeriod } from '../period.ts';
import type { AccountState } from '../state.ts';

interface AccountMonth {
  usedCost: Micros;
  heldCost: Micros;
}

export function accountMonth(account: AccountState, period: BillingPeriod): AccountMonth {
  const month = account.months.get(period) ?? { usedCost: 0n, heldCost: 0n };
  account.months.set(period, month);
  return month;
}

/** What is used and held of a month. What is still held in the month before is about to move to it. */
export function claimedCost(account: AccountState, period: BillingPeriod): Micros {
  const { usedCost, heldCost } = accountMonth(account, period);
  return usedCost + heldCost + accountMonth(account, previousPeriod(period)).heldCost;
}

export function copyAccount({ openSessions, months, alerts }: AccountState): AccountState {
  return {
    openSessions,
    months: new Map([...months].map(([period, month]) => [period, { ...month }])),
    alerts: new Map([...alerts].map(([period, percents]) => [period, new Set(percents)])),
  };
}

/**
 * The account as the next user of a batch finds it: with what the last one takes, and without what that one returns. The two
 * may not be saved together, and what one user gives up is given to nobody else at the same moment.
 */
export function withoutReturns(before: AccountState, after: AccountState, period: BillingPeriod): AccountState {
  const returnsCost = claimedCost(after, period) < claimedCost(before, period);
  return {
    openSessions: Math.max(before.openSessions, after.openSessions),
    months: returnsCost ? before.months : after.months,
    alerts: after.alerts,
  };
}
