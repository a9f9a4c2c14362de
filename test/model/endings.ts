import { sessionCost } from '../../src/domain/price.ts';
import type { EndReason } from '../../src/domain/session.ts';
import {
  bySeniority,
  crossedAt,
  endOf,
  ensureQuota,
  fitting,
  following,
  hold,
  type Instant,
  isOpen,
  lapseAt,
  limitsOf,
  type ModelRecord,
  type ModelUser,
  nextEventOf,
  noteCrossings,
  noticeAt,
  openRecords,
  type Rules,
  roomOf,
  settledOf,
  settledSeconds,
  sum,
  sumOfCosts,
  wholeSeconds,
} from './model.ts';

// How records of the model end, move to the next month and follow their limits.

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
  hold(record, 0);
  if (reason !== 'vendor_ended') noteStop(user, record, now);
}

/** What the vendor must still be told. */
export function noteStop(user: ModelUser, record: ModelRecord, now: Instant): void {
  if (record.streamId === null || record.endReason === null) return;
  if (user.stops.has(record.id)) return;
  user.stops.set(record.id, { reason: record.endReason, attempts: 0, nextAttemptAt: now });
}

/** The end of a record that somebody asks for now: where the vendor has a cap, it was over there at the latest. */
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
    record.settled.set(record.holdingPeriod, { seconds: rest, cost: sessionCost(rest, record.pricePerMinute) });
  } else {
    // it turns out to have been over before the part that was settled at the month's end
    record.settled.set(record.period, { seconds: total, cost: sessionCost(total, record.pricePerMinute) });
  }
}

/** Settles what was used up to the month's end; the second started there belongs to the old month. */
function closeMonth(user: ModelUser, rules: Rules, record: ModelRecord): number {
  const old = record.holdingPeriod;
  const seconds = record.countedFrom === null ? 0 : wholeSeconds(record.countedFrom, endOf(rules, old));
  if (record.countedFrom !== null) {
    record.settled.set(old, { seconds, cost: sessionCost(seconds, record.pricePerMinute) });
    record.countedFrom += seconds * 1000;
  }
  record.holdingPeriod = following(old);
  ensureQuota(user, rules, record.holdingPeriod);
  return seconds;
}

/**
 * Takes open records over the end of their month. What is left of each hold moves on; the new month's room goes to the
 * oldest first, what an older one wishes for being kept free for it even where its cost gave it less.
 */
export function moveRecords(user: ModelUser, rules: Rules, records: readonly ModelRecord[], now: Instant): void {
  const periods = new Set(records.map((record) => following(record.holdingPeriod)));
  const rooms = new Map([...periods].map((period) => [period, roomOf(user, rules, period)]));
  for (const record of [...records].sort(bySeniority)) {
    const deadline = record.expiresAt ?? now;
    const from = record.countedFrom;
    const used = closeMonth(user, rules, record);
    const wished = Math.max(record.heldSeconds - used, 0);
    const room = rooms.get(record.holdingPeriod) ?? { seconds: 0, cost: 0n };
    hold(record, fitting(wished, room, record.pricePerMinute));
    room.seconds -= wished;
    room.cost -= sessionCost(wished, record.pricePerMinute);
    if (from !== null) record.expiresAt = from + (used + record.heldSeconds) * 1000;
    else if (record.heldSeconds === 0) record.expiresAt = Math.min(deadline, now);
    if (record.expiresAt !== null && record.expiresAt !== deadline) record.notice = noticeAt(now, record.expiresAt);
  }
}

/** One pass over what is due, or over some of it where another node holds the rest. Returns how many were due. */
export function sweepRecords(user: ModelUser, rules: Rules, now: Instant, only?: ReadonlySet<string>): number {
  const due = openRecords(user).filter((r) => nextEventOf(r, rules) <= now && (!only || only.has(r.id)));
  for (const record of due) {
    const lapse = lapseAt(record, rules);
    const deadline = record.expiresAt ?? now;
    if (Math.min(lapse, deadline) > now) continue;
    if (record.status === 'reserved') endRecord(user, rules, record, 'token_expired', now, now);
    else if (lapse < deadline) endRecord(user, rules, record, 'heartbeat_lost', record.lastHeartbeatAt ?? now, now);
    else if (now < deadline + 1000) endRecord(user, rules, record, 'deadline_reached', deadline, now);
    else endOnDemand(user, rules, record, 'deadline_reached', now);
  }
  const left = due.filter(isOpen);
  moveRecords(
    user,
    rules,
    left.filter((record) => endOf(rules, record.holdingPeriod) <= now),
    now,
  );
  for (const record of left) {
    if (record.status !== 'active' || record.expiresAt === null) continue;
    const told = record.notice === 15 || (record.notice === 60 && record.expiresAt > now + 15_000);
    if (!told) record.notice = noticeAt(now, record.expiresAt) ?? record.notice;
  }
  noteCrossings(user, rules, now);
  return due.length;
}

/** Lets the open records of a month follow its limits: each keeps what it has consumed, then the oldest comes first. */
export function followLimits(user: ModelUser, rules: Rules, period: string, now: Instant): void {
  const quota = ensureQuota(user, rules, period);
  const records = openRecords(user)
    .filter((record) => record.holdingPeriod === period)
    .sort(bySeniority);
  const consumed = new Map(
    records.map((r) => [r, r.countedFrom === null ? 0 : Math.min(wholeSeconds(r.countedFrom, now), r.heldSeconds)]),
  );
  const consumedBy = (record: ModelRecord) => consumed.get(record) ?? 0;
  const { limitMinutes, limitCost } = limitsOf(user, rules, period);
  const settled = settledOf(user, period);
  const room = {
    seconds: limitMinutes * 60 - settled.seconds - sum(records, consumedBy),
    cost: limitCost - settled.cost - sumOfCosts(records, (r) => sessionCost(consumedBy(r), r.pricePerMinute)),
  };
  for (const record of records) {
    const own = { seconds: consumedBy(record), cost: sessionCost(consumedBy(record), record.pricePerMinute) };
    const most = Math.max((record.cap ?? rules.policy.maxSessionSeconds) - settledSeconds(record), own.seconds);
    const roomInAll = { seconds: room.seconds + own.seconds, cost: room.cost + own.cost };
    const seconds = Math.max(fitting(most, roomInAll, record.pricePerMinute), own.seconds);
    room.seconds -= most - own.seconds;
    room.cost -= sessionCost(most, record.pricePerMinute) - own.cost;
    if (seconds !== record.heldSeconds) refit(record, seconds, now);
  }
  quota.limitsChanged = false;
  rearm(user, rules, period, now);
  noteCrossings(user, rules, now);
}

function refit(record: ModelRecord, seconds: number, now: Instant): void {
  hold(record, seconds);
  if (record.countedFrom !== null) {
    record.expiresAt = record.countedFrom + seconds * 1000;
    record.notice = noticeAt(now, record.expiresAt);
  } else if (seconds === 0) {
    record.expiresAt = Math.min(record.expiresAt ?? now, now);
  }
}

/** A threshold that lies ahead again can fire anew. */
function rearm(user: ModelUser, rules: Rules, period: string, now: Instant): void {
  const quota = ensureQuota(user, rules, period);
  const crossed = new Set(crossedAt(user, rules, period, now));
  for (const threshold of quota.fired) if (!crossed.has(threshold)) quota.fired.delete(threshold);
}
