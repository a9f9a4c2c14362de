import type { OpenRecord, QuotaState } from './quota.ts';
import { usageRecordOf } from './saved-record.ts';
import { type Instant, isOpen, type StoredQuota, type StoredRecord, type UserState } from './state.ts';

const MINUTE_MS = 60_000;

/** A quota with the open records that hold of it: what views, thresholds and admission go by. */
export function quotaStateOf(user: UserState, quota: StoredQuota, nextTokenAt: Date | null = null): QuotaState {
  return {
    userId: user.userId,
    period: quota.period,
    limitMinutes: quota.limitMinutes,
    limitCost: quota.limitCost,
    settledSeconds: quota.usedSeconds,
    settledCost: quota.usedCost,
    reservedSeconds: quota.heldSeconds,
    reservedCost: quota.heldCost,
    sessionCount: quota.sessionCount,
    isActive: quota.isActive,
    version: quota.version,
    openRecords: user.records
      .filter((record) => isOpen(record) && record.quotaPeriod === quota.period)
      .map((record) => toOpenRecord(user.userId, record)),
    alerts: quota.alerts,
    nextTokenAt,
  };
}

/** When the limit on token requests per minute admits the next one, refused ones included. Null if it does now. */
export function nextTokenAt(user: UserState, maxTokensPerMinute: number, now: Instant): Instant | null {
  const oldest = user.recentTokens[maxTokensPerMinute - 1];
  return oldest !== undefined && oldest > now - MINUTE_MS ? oldest + MINUTE_MS : null;
}

/** Counts a token toward the limit on tokens per minute, and drops those that count no more. */
export function countToken({ recentTokens }: UserState, maxTokensPerMinute: number, now: Instant): void {
  // By a clock that is behind, the latest token may be older than one of another node.
  const older = recentTokens.findIndex((at) => at <= now);
  recentTokens.splice(older === -1 ? recentTokens.length : older, 0, now);
  const expired = recentTokens.findLastIndex((at) => at > now - MINUTE_MS) + 1;
  recentTokens.length = Math.min(expired, maxTokensPerMinute);
}

function toOpenRecord(userId: string, record: StoredRecord): OpenRecord {
  return {
    ...usageRecordOf(userId, record),
    status: record.status === 'active' ? 'active' : 'reserved',
    billingStepSeconds: record.billingStepSeconds,
    minimumSeconds: record.minimumSeconds,
    heldCost: record.heldCost,
  };
}
