import type { OpenRecord, QuotaState } from './quota.ts';
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
      .map(toOpenRecord),
    alerts: quota.alerts,
    nextTokenAt,
  };
}

/** When the limit on tokens per minute grants the next one. Null if it does now. */
export function nextTokenAt(user: UserState, maxTokensPerMinute: number, now: Instant): Instant | null {
  const oldest = user.recentTokens[maxTokensPerMinute - 1];
  return oldest !== undefined && oldest > now - MINUTE_MS ? oldest + MINUTE_MS : null;
}

function toOpenRecord(record: StoredRecord): OpenRecord {
  return {
    id: record.id,
    sessionId: record.sessionId,
    status: record.status === 'active' ? 'active' : 'reserved',
    countedFrom: record.countedFrom === null ? null : new Date(record.countedFrom),
    createdAt: new Date(record.createdAt),
    settledSeconds: record.settledSeconds,
    pricePerMinute: record.pricePerMinute,
    pricedSeconds: record.pricedSeconds,
    pricedCost: record.pricedCost,
    billingStepSeconds: record.billingStepSeconds,
    minimumSeconds: record.minimumSeconds,
    heldSeconds: record.heldSeconds,
    heldCost: record.heldCost,
  };
}
