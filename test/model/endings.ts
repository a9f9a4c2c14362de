import type { EndReason } from '../../src/domain/session.ts';
import {
  cappedAt,
  endOf,
  type Instant,
  isOpen,
  type ModelRecord,
  type ModelUser,
  pricesFor,
  type Rules,
  type Share,
  settledCost,
  settledSeconds,
  wholeSeconds,
} from './model.ts';
import { moveRecords } from './months.ts';
import { billedSeconds, costOf } from './prices.ts';

// How records of the model end.

/**
 * Ends an open record, once: its use is settled in the months in which it fell, its stop noted. What the vendor may still bill
 * stays held, unless the vendor itself says that it has ended. `endedAt` is when the session was over; a token that was never
 * started ends now.
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
  const ran = record.status === 'active';
  const used = ran ? settle(user, rules, record, endedAt, now) : { seconds: 0, cost: 0n };
  const failed = reason === 'vendor_error' || reason === 'client_error';
  const ended = ran ? 'completed' : 'expired';
  const runsOn = ran && reason !== 'vendor_ended';
  const mayRun = !ran && reason !== 'vendor_ended' && record.tokenEndsAt !== null;
  keepHeld(record, runsOn || mayRun ? record.heldSeconds - used.seconds : 0, record.heldCost - used.cost);
  record.isStopping = runsOn && cappedAt(record) > now;
  record.endedAt = ran ? Math.max(endedAt, record.startedAt ?? endedAt) : now;
  record.status = failed ? 'error' : ended;
  record.endReason = reason;
  record.expiresAt = null;
  record.sealedToken = null;
  record.line = null;
  if (reason !== 'vendor_ended') noteStop(user, record, now);
}

/** What stays held of an ended record; without seconds, nothing does. */
function keepHeld(record: ModelRecord, seconds: number, cost: bigint): void {
  record.heldSeconds = Math.max(seconds, 0);
  record.heldCost = seconds > 0 && cost > 0n ? cost : 0n;
}

/** Leaves no more held of an ended record than so many seconds, and their part of the cost, rounded up. */
export function keepSeconds(record: ModelRecord, seconds: number): void {
  const { heldSeconds, heldCost } = record;
  if (seconds >= heldSeconds) return;
  const parts = BigInt(heldSeconds);
  keepHeld(record, seconds, (heldCost * BigInt(seconds) + parts - 1n) / parts);
}

/** The stops that the vendor must still confirm. */
export function noteStop(user: ModelUser, record: ModelRecord, now: Instant): void {
  if (record.streamId === null || record.endReason === null) return;
  if (user.stops.has(record.id)) return;
  user.stops.set(record.id, { reason: record.endReason, attempts: 0, nextAttemptAt: now });
}

/** The vendor runs it after all, whatever it said before. */
export function orderStopAgain(user: ModelUser, record: ModelRecord, now: Instant): void {
  user.stops.delete(record.id);
  noteStop(user, record, now);
}

/** The requested end of a record: now, or when the vendor's cap ended it, if that was earlier. */
export function endOnDemand(user: ModelUser, rules: Rules, record: ModelRecord, reason: EndReason, now: Instant): void {
  endRecord(user, rules, record, reason, Math.min(now, cappedAt(record)), now);
}

/** Settles a session, and returns what that adds to what was settled at the end of a month: less than nothing, perhaps. */
function settle(user: ModelUser, rules: Rules, record: ModelRecord, endedAt: Instant, now: Instant): Share {
  const startedAt = record.startedAt ?? endedAt;
  const total = wholeSeconds(startedAt, endedAt);
  if (endedAt > endOf(rules, record.holdingPeriod)) moveRecords(user, rules, [record], now);
  const seconds = total - settledSeconds(record);
  if (seconds >= 0) {
    const cost = unsettledCost(rules, record, total);
    record.settled.set(record.holdingPeriod, { seconds, cost });
    return { seconds, cost };
  }
  // it turns out to have been over before the part that was settled at the month's end
  const cost = costOf(pricesFor(rules, record), startedAt, billedBy(record, total));
  const more = cost - settledCost(record);
  record.settled.set(record.period, { seconds: total, cost });
  return { seconds, cost: more };
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
