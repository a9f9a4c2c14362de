import type { LimitChange } from '../limits.ts';
import { nextPeriod } from '../period.ts';
import { changeQuota, type Draft, quotaOf } from './draft.ts';
import { refitHolds } from './refit-holds.ts';

/** How far the clocks of two nodes may be apart, and twice that. */
const NEAR_MONTH_END_MS = 120_000;

/**
 * Sets a user's limits from the current month on. Open sessions follow at once. Next month's quota may exist already, since a
 * session moves to it by any node's clock; close to the month's end it is made, with the new limits.
 */
export function changeLimits(draft: Draft, { limitMinutes, limitCost, isActive }: LimitChange): undefined {
  const { now, rules, user } = draft;
  const period = rules.periodOf(now);
  quotaOf(draft, period);
  if (rules.endOf(period) <= now + NEAR_MONTH_END_MS) quotaOf(draft, nextPeriod(period));
  for (const quota of user.quotas.filter((each) => each.period >= period)) {
    const limits = {
      limitMinutes: limitMinutes ?? quota.limitMinutes,
      limitCost: limitCost ?? quota.limitCost,
      isActive: isActive ?? quota.isActive,
    };
    const isChanged =
      limits.limitMinutes !== quota.limitMinutes ||
      limits.limitCost !== quota.limitCost ||
      limits.isActive !== quota.isActive;
    changeQuota(draft, quota.period, limits);
    if (isChanged || quota.limitsChangedAt !== null) refitHolds(draft, quota.period);
  }
}
