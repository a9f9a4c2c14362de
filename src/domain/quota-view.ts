import { periodEnd } from './period.ts';
import type { QuotaPolicy } from './policy.ts';
import { type QuotaState, type QuotaUse, useAt } from './quota.ts';
import { nextCrossing, percentagesAt, type QuotaWarning, tighterLimit, warningAt } from './thresholds.ts';

/** A quota as its user sees it at a moment. */
export interface QuotaView extends QuotaUse {
  readonly state: QuotaState;
  readonly version: number;
  /** The higher of the two percentages. May pass 100. */
  readonly percentUsed: number;
  /** Null below the first threshold. */
  readonly warning: QuotaWarning | null;
  /** When the running sessions, if they go on, cross the next threshold. */
  readonly nextWarningAt: Date | null;
  readonly resetsAt: Date;
  readonly serverTime: Date;
}

/** Reads a quota at a moment, by the rules of the deployment. */
export function viewQuota(state: QuotaState, policy: QuotaPolicy, at: Date): QuotaView {
  const percentages = percentagesAt(state, at);
  return {
    ...useAt(state, at),
    state,
    version: state.version,
    percentUsed: percentages[tighterLimit(percentages)],
    warning: warningAt(state, policy.thresholds, at, policy.currency),
    nextWarningAt: nextCrossing(state, policy.thresholds, at),
    resetsAt: periodEnd(state.period, policy.billingTimeZone),
    serverTime: at,
  };
}
