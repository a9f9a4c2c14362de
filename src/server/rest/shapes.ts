import { moneyToNumber } from '../../domain/money.ts';
import { toMinutes } from '../../domain/quota.ts';
import type { QuotaView } from '../../domain/quota-view.ts';
import { recordUse } from '../../domain/record-use.ts';
import type { QuotaWarning } from '../../domain/thresholds.ts';
import { errorForUser, type UsageRecord } from '../../domain/usage-record.ts';
import { averageSessionSeconds, successRate, type UsageSummary, type UsageTotals } from '../../domain/usage-summary.ts';

/** A quota. Costs are numbers here and below, since frontends calculate with them; none of them comes back to be booked. */
export function quotaShape(quota: QuotaView) {
  const { state, warning } = quota;
  return {
    monthly_limit_minutes: state.limitMinutes,
    used_minutes: toMinutes(quota.usedSeconds),
    remaining_minutes: toMinutes(quota.remainingSeconds),
    monthly_limit_cost: moneyToNumber(state.limitCost),
    used_cost: moneyToNumber(quota.usedCost),
    remaining_cost: moneyToNumber(quota.remainingCost),
    percent_used: quota.percentUsed,
    warning: warning && warningShape(warning),
    current_month: state.period,
    resets_at: quota.resetsAt,
  };
}

function warningShape(warning: QuotaWarning) {
  return {
    level: warning.level,
    limit: warning.limit,
    threshold_percent: warning.thresholdPercent,
    percent_used: warning.percentUsed,
    crossed_at: warning.crossedAt,
    message: warning.message,
  };
}

/** A usage record under the names of its columns, a running session up to a moment. */
export function recordShape(record: UsageRecord, at: Date) {
  const use = recordUse(record, at);
  return {
    id: record.id,
    user_id: record.userId,
    session_id: record.sessionId,
    avatar_session_id: record.avatarSessionId,
    avatar_name: record.avatarName,
    vendor: record.vendor,
    status: record.status,
    end_reason: record.endReason,
    session_started_at: record.startedAt,
    session_ended_at: record.endedAt,
    duration_seconds: use.seconds,
    words_spoken: record.wordsSpoken,
    messages_count: record.messagesCount,
    estimated_cost: moneyToNumber(use.cost),
    actual_seconds: record.actualSeconds,
    actual_cost: record.actualCost === null ? null : moneyToNumber(record.actualCost),
    vendor_end_reason: record.vendorEndReason,
    billing_period: record.billingPeriod,
    max_duration_seconds: record.grantSeconds,
    expires_at: record.expiresAt,
    error_message: errorForUser(record),
    created_at: record.createdAt,
    updated_at: record.updatedAt,
  };
}

export function summaryShape(summary: UsageSummary) {
  return {
    period: summary.period,
    completed_count: summary.completedCount,
    error_count: summary.errorCount,
    success_rate: successRate(summary),
    ...totalsShape(summary),
    words_spoken: summary.wordsSpoken,
    messages_count: summary.messagesCount,
    average_session_seconds: averageSessionSeconds(summary),
    by_avatar: summary.byAvatar.map(({ avatarName, ...totals }) => ({
      avatar_name: avatarName,
      ...totalsShape(totals),
    })),
    by_day: summary.byDay.map(({ date, ...totals }) => ({ date, ...totalsShape(totals) })),
  };
}

function totalsShape({ sessionCount, totalSeconds, totalCost }: UsageTotals) {
  return { session_count: sessionCount, total_seconds: totalSeconds, total_cost: moneyToNumber(totalCost) };
}
