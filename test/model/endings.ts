import type { EndReason } from '../../src/domain/session.ts';
import {
  endOf,
  type Instant,
  isOpen,
  type ModelRecord,
  type ModelUser,
  pricesFor,
  type Rules,
  settledSeconds,
  wholeSeconds,
} from './model.ts';
import { closeMonth } from './months.ts';
import { billedSeconds, costOf } from './prices.ts';

// How records of the model end.

/**
 * Ends an open record, once: its hold is released, its use settled in the months in which it fell, its stop noted.
 * `endedAt` is when the session was over; a token that was never started ends now.
 */
export function endRecord(
  user: ModelUser,
  rules: Rules,
  record: ModelRecord,
  reason: EndReason,
  endedAt: Instant,
  now: Instant,
): void {
  if (!isOpen(record)) return;
  if (record.status === 'active') settle(user, rules, record, endedAt);
  const failed = reason === 'vendor_error' || reason === 'client_error';
  const ended = record.status === 'active' ? 'completed' : 'expired';
  record.endedAt = record.status === 'active' ? Math.max(endedAt, record.startedAt ?? endedAt) : now;
  record.status = failed ? 'error' : ended;
  record.endReason = reason;
  record.expiresAt = null;
  record.heldSeconds = 0;
  record.heldCost = 0n;
  record.line = null;
  if (reason !== 'vendor_ended') noteStop(user, record, now);
}

/** The stops that the vendor must still confirm. */
export function noteStop(user: ModelUser, record: ModelRecord, now: Instant): void {
  if (record.streamId === null || record.endReason === null) return;
  if (user.stops.has(record.id)) return;
  user.stops.set(record.id, { reason: record.endReason, attempts: 0, nextAttemptAt: now });
}

/** The requested end of a record: now, or when the vendor's cap ended it, if that was earlier. */
export function endOnDemand(user: ModelUser, rules: Rules, record: ModelRecord, reason: EndReason, now: Instant): void {
  endRecord(user, rules, record, reason, Math.min(now, cappedAt(record)), now);
}

function cappedAt(record: ModelRecord): Instant {
  return record.startedAt === null || record.cap === null
    ? Number.POSITIVE_INFINITY
    : record.startedAt + record.cap * 1000;
}

function settle(user: ModelUser, rules: Rules, record: ModelRecord, endedAt: Instant): void {
  const startedAt = record.startedAt ?? endedAt;
  const total = wholeSeconds(startedAt, endedAt);
  if (endedAt > endOf(rules, record.holdingPeriod)) closeMonth(user, rules, record);
  const rest = total - settledSeconds(record);
  if (rest >= 0) {
    record.settled.set(record.holdingPeriod, { seconds: rest, cost: unsettledCost(rules, record, total) });
  } else {
    // it turns out to have been over before the part that was settled at the month's end
    const cost = costOf(pricesFor(rules, record), startedAt, billedBy(record, total));
    record.settled.set(record.period, { seconds: total, cost });
  }
}

/** What of a session that ran for so many seconds is not settled yet. */
export function unsettledCost(rules: Rules, record: ModelRecord, total: number): bigint {
  if (record.countedFrom === null) return 0n;
  const seconds = billedBy(record, total) - settledSeconds(record);
  return costOf(pricesFor(rules, record), record.countedFrom, seconds);
}

/** The vendor rounds up the whole session, by its price at the start. */
function billedBy({ rounding }: ModelRecord, total: number): number {
  return billedSeconds(total, rounding ?? { step: 1, minimum: 0 });
}
