import type { BillingPeriod } from '../period.ts';
import { quotaStateOf } from '../quota-state.ts';
import { crossedThresholds, crossings, LIMIT_REACHED_PERCENT, type ThresholdKey } from '../thresholds.ts';
import { changeQuota, type Draft, findQuota, publish } from './draft.ts';

/**
 * Fires the thresholds that a quota has crossed, each once per month and limit, the lower ones first, and notes when the next
 * one will be crossed.
 */
export function refreshThresholds(draft: Draft, period: BillingPeriod): void {
  const quota = findQuota(draft, period);
  if (!quota) return;
  const { now, rules } = draft;
  const state = quotaStateOf(draft.user, quota);
  const at = new Date(Math.min(now, rules.endOf(period)));
  const crossed = crossedThresholds(state, rules.thresholds, at);
  const isFired = (key: ThresholdKey) => quota.alerts.some((alert) => sameThreshold(alert, key));
  const isCrossed = (key: ThresholdKey) => crossed.some((each) => sameThreshold(each, key));
  const pending = crossings(state, rules.thresholds).filter((crossing) => !isFired(crossing));
  const foreseenAt = quota.nextThresholdAt;

  for (const { limit, thresholdPercent, at: crossesAt } of pending.filter(isCrossed).sort(byThreshold)) {
    // A threshold that was foreseen was crossed on its line; one that an end or a lower limit crosses is crossed now.
    const wasForeseen = crossesAt !== null && foreseenAt !== null && crossesAt >= foreseenAt && crossesAt <= now;
    const crossedAt = new Date(wasForeseen ? crossesAt : now);
    changeQuota(draft, period, { alerts: [...quota.alerts, { limit, thresholdPercent, crossedAt }] });
    publish(draft, period, thresholdPercent >= LIMIT_REACHED_PERCENT ? 'limit_reached' : 'warning', null);
  }

  const ahead = pending.filter((crossing) => !isCrossed(crossing)).map(({ at: crossesAt }) => crossesAt ?? 0);
  const next = Math.min(...ahead.filter((crossesAt) => crossesAt > now));
  const nextThresholdAt = Number.isFinite(next) ? next : null;
  if (nextThresholdAt !== quota.nextThresholdAt) changeQuota(draft, period, { nextThresholdAt });
}

/** Forgets the thresholds that lie ahead again after a change of a limit: they can be crossed once more. */
export function rearmThresholds(draft: Draft, period: BillingPeriod): void {
  const quota = findQuota(draft, period);
  if (!quota) return;
  const at = new Date(Math.min(draft.now, draft.rules.endOf(period)));
  const percents = quota.alerts.map(({ thresholdPercent }) => thresholdPercent);
  const crossed = crossedThresholds(quotaStateOf(draft.user, quota), percents, at);
  const alerts = quota.alerts.filter((alert) => crossed.some((each) => sameThreshold(each, alert)));
  if (alerts.length < quota.alerts.length) changeQuota(draft, period, { alerts });
}

function sameThreshold(a: ThresholdKey, b: ThresholdKey): boolean {
  return a.limit === b.limit && a.thresholdPercent === b.thresholdPercent;
}

/** By percentage; of two alike, the minutes first. */
function byThreshold(a: ThresholdKey, b: ThresholdKey): number {
  return a.thresholdPercent - b.thresholdPercent || (a.limit === 'minutes' ? -1 : 1);
}
