import type { Micros } from '../money.ts';
import { type BillingPeriod, nextPeriod, previousPeriod } from '../period.ts';
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

/** What records of a month leave of the account when they end now. */
export interface Leaving {
  /** What they hold. */
  readonly heldCost: Micros;
  /** The part of it that they have not used. */
  readonly returnedCost: Micros;
}

const NOBODY: Leaving = { heldCost: 0n, returnedCost: 0n };

/**
 * The cost that a new hold of a month finds taken. The hold may move to the next month, so it must fit there as well: at
 * midnight, one node may still decide in the old month when another has given out the new one.
 */
export function claimedCost(account: AccountState, period: BillingPeriod, leaving: Leaving = NOBODY): Micros {
  const ofMonth = claimsOn(account, period) - leaving.returnedCost;
  const ofNextMonth = claimsOn(account, nextPeriod(period)) - leaving.heldCost;
  return ofMonth > ofNextMonth ? ofMonth : ofNextMonth;
}

/** What is used and held of a month. What is still held in the month before is about to move to it. */
function claimsOn(account: AccountState, period: BillingPeriod): Micros {
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
