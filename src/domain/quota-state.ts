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

/** When the limit on tokens per minute grants the next one. Null if it does now. */
export function nextTokenAt(user: UserState, maxTokensPerMinute: number, now: Instant): Instant | null {
  const oldest = user.recentTokens[maxTokensPerMinute - 1];
  return oldest !== undefined && oldest > now - MINUTE_MS ? oldest + MINUTE_MS : null;
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
