import { type Instant, isOpen, type StoredRecord } from './state.ts';
import type { SavedRecord, UsageRecord } from './usage-record.ts';

/** A stored record as its user sees it. */
export function usageRecordOf(userId: string, record: StoredRecord): UsageRecord {
  return {
    id: record.id,
    userId,
    sessionId: record.sessionId,
    avatarSessionId: record.avatarSessionId,
    avatarName: record.avatarName,
    vendor: record.vendor,
    status: record.status,
    endReason: record.endReason,
    errorMessage: record.errorMessage,
    startedAt: toDate(record.startedAt),
    endedAt: toDate(record.endedAt),
    expiresAt: toDate(record.expiresAt),
    durationSeconds: record.durationSeconds,
    estimatedCost: record.estimatedCost,
    wordsSpoken: record.wordsSpoken,
    messagesCount: record.messagesCount,
    billingPeriod: record.billingPeriod,
    grantSeconds: record.grantSeconds,
    heldSeconds: record.heldSeconds,
    pricePerMinute: record.pricePerMinute,
    pricedSeconds: record.pricedSeconds,
    pricedCost: record.pricedCost,
    settledSeconds: record.settledSeconds,
    settledCost: record.settledCost,
    countedFrom: toDate(record.countedFrom),
    actualSeconds: record.actualSeconds,
    actualCost: record.actualCost,
    vendorEndReason: record.vendorEndReason,
    createdAt: new Date(record.createdAt),
    updatedAt: new Date(record.updatedAt),
  };
}

/**
 * A record as an act left it, with the vendor's stop as far as it is known: an open record has none, and one that the act ordered
 * is pending.
 */
export function savedRecordOf(
  userId: string,
  record: StoredRecord,
  stops: readonly { readonly recordId: string }[],
): SavedRecord {
  const usageRecord = usageRecordOf(userId, record);
  if (isOpen(record)) return { ...usageRecord, stop: null };
  return stops.some(({ recordId }) => recordId === record.id)
    ? { ...usageRecord, stop: { confirmedAt: null } }
    : usageRecord;
}

function toDate(instant: Instant | null): Date | null {
  return instant === null ? null : new Date(instant);
}
