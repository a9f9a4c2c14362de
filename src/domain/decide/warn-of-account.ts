import type { BillingPeriod } from '../period.ts';
import { accountMonth } from './account-room.ts';
import type { Draft } from './draft.ts';

/** Notes which thresholds of the account's ceiling are reached by what all users together have used and hold, each once a month. */
export function warnOfAccount({ account, rules }: Draft, period: BillingPeriod): void {
  const { accountLimitCost } = rules.policy;
  if (!account || accountLimitCost === null) return;
  const { usedCost, heldCost } = accountMonth(account, period);
  const fired = account.alerts.get(period) ?? new Set();
  account.alerts.set(period, fired);
  for (const percent of rules.thresholds) {
    if ((usedCost + heldCost) * 100n >= accountLimitCost * BigInt(percent)) fired.add(percent);
  }
}
