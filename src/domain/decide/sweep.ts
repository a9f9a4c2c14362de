import type { EndReason } from '../session.ts';
import { type Instant, isOpen, type StoredRecord } from '../state.ts';
import { closeRecord } from './close-record.ts';
import { changeRecord, type Draft, openRecords, publish, vendorEndsAt } from './draft.ts';
import { lapseAt, noticeAt } from './due.ts';
import { followPrice, hasOldPrice } from './follow-price.ts';
import { isPastMonth, moveRecords } from './move-records.ts';
import { sweepOutstanding } from './outstanding.ts';
import { refitHolds } from './refit-holds.ts';

/** A sweep that comes this late found the session at its deadline. */
const PUNCTUAL_MS = 1_000;

/**
 * Does what has fallen due for a user: open sessions follow limits and prices that changed; unused tokens expire; sessions end
 * at their deadline, or when their heartbeats have stopped (settled at the last one); others go past the end of their month,
 * or are announced to end soon.
 *
 * @param lapsesFrom missing heartbeats count from this moment on: after the service itself was away, its clients get the time
 * to be heard again
 *
 * @returns whether anything was due
 */
export function sweep(draft: Draft, lapsesFrom: Instant): boolean {
  const { now, user } = draft;
  followLimits(draft);
  for (const record of openRecords(draft)) {
    const verdict = verdictOn(draft, record, lapsesFrom);
    if (verdict) closeRecord(draft, record, { ...verdict, actor: 'sweeper' });
  }
  for (const record of user.records) sweepOutstanding(draft, record);
  moveRecords(
    draft,
    openRecords(draft).filter((record) => isPastMonth(draft, record, now)),
  );
  for (const record of openRecords(draft)) {
    if (record.status === 'active') announceEnd(draft, record);
    if (record.priceUntil !== null && record.priceUntil <= now) followPrice(draft, record);
  }
  for (const { period, nextThresholdAt } of user.quotas) {
    if (nextThresholdAt !== null && nextThresholdAt <= now) draft.touched.add(period);
  }
  return draft.touched.size > 0 || draft.changedRecords.size > 0;
}

function followLimits(draft: Draft): void {
  for (const record of openRecords(draft).filter((each) => hasOldPrice(draft, each))) followPrice(draft, record);
  for (const { period, limitsChangedAt } of [...draft.user.quotas]) {
    if (limitsChangedAt !== null) refitHolds(draft, period);
  }
}

interface Verdict {
  readonly reason: EndReason;
  readonly endedAt: Instant;
}

/** Why a record has ended by the clock, and when. Null for one that has not. */
function verdictOn({ now, rules }: Draft, record: StoredRecord, lapsesFrom: Instant): Verdict | null {
  const expiresAt = record.expiresAt ?? now;
  const lapsesAt = lapseAt(record, rules, lapsesFrom);
  if (!isOpen(record) || Math.min(expiresAt, lapsesAt) > now) return null;
  const isLapsed = lapsesAt < expiresAt;
  return { reason: reasonOf(record, isLapsed), endedAt: endOf(record, isLapsed, now) };
}

function reasonOf(record: StoredRecord, isLapsed: boolean): EndReason {
  if (record.status === 'reserved') return 'token_expired';
  return isLapsed ? 'heartbeat_lost' : 'deadline_reached';
}

function endOf(record: StoredRecord, isLapsed: boolean, now: Instant): Instant {
  const expiresAt = record.expiresAt ?? now;
  if (isLapsed) return record.lastHeartbeatAt ?? now;
  if (now < expiresAt + PUNCTUAL_MS) return expiresAt;
  // However late this is, the vendor's own cap ended the session. Without one it ran until now.
  return Math.min(now, vendorEndsAt(record));
}

/** Notifies the user that a session has a minute, or a quarter of one, left. Each notice is sent once. */
function announceEnd(draft: Draft, record: StoredRecord): void {
  const notice = noticeAt((record.expiresAt ?? draft.now) - draft.now);
  if (notice === null || notice >= (record.endingNotice ?? Number.POSITIVE_INFINITY)) return;
  changeRecord(draft, record, { endingNotice: notice });
  publish(draft, record.quotaPeriod, 'session_ending_soon', record.id);
}
