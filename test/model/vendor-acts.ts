import type { ConfirmedStop, FailedStart, SessionCap, StartedRecord } from '../../src/domain/store.ts';
import { endOnDemand, endRecord, keepSeconds, orderStopAgain } from './endings.ts';
import {
  cappedAt,
  type Instant,
  isOpen,
  type ModelRecord,
  type ModelUser,
  noticeAt,
  pricesFor,
  type Rules,
  settledCost,
  settledSeconds,
  tokenExpiresAt,
  vendorCap,
  wholeSeconds,
} from './model.ts';
import { dearest, holdCost } from './prices.ts';

// What the vendor says of sessions, in the model.

/** The vendor did not start a session. A token that the page has is unused again, and its hold is what it was. */
export function failStart(user: ModelUser, rules: Rules, { recordId, isFinal }: FailedStart, now: Instant): void {
  const record = findRecord(user, recordId);
  if (record?.status !== 'active' || record.startedAt === null) return;
  if (record.tokenEndsAt === null) {
    endRecord(user, rules, record, 'vendor_error', record.startedAt, now);
    return;
  }
  record.heldSeconds += settledSeconds(record);
  record.heldCost += settledCost(record);
  record.settled.clear();
  Object.assign(record, { status: 'reserved', startedAt: null, countedFrom: null, line: null, rounding: null });
  Object.assign(record, { unseenSeconds: 0, notice: null, lastHeartbeatAt: null, period: record.holdingPeriod });
  record.expiresAt = tokenExpiresAt(rules, record.tokenEndsAt, now);
  if (isFinal) endOnDemand(user, rules, record, 'vendor_error', now);
}

/** The vendor runs a session. One that ended here must be stopped, once more if need be. */
export function confirmStart(user: ModelUser, { recordId, ranBefore }: StartedRecord, now: Instant): boolean {
  const record = findRecord(user, recordId);
  if (!record) return false;
  if (ranBefore && record.startedAt !== null) {
    record.unseenSeconds = wholeSeconds(record.createdAt, record.startedAt);
  }
  if (record.status === 'active') return true;
  orderStopAgain(user, record, now);
  return false;
}

/** What the vendor may have streamed unseen stays held until its figures come; without figures, nothing does. */
export function confirmStop(user: ModelUser, { recordId, word, expectsFigures }: ConfirmedStop, now: Instant): void {
  const record = findRecord(user, recordId);
  if (!record || isOpen(record)) return;
  const stop = user.stops.get(recordId);
  if (stop) stop.nextAttemptAt = null;
  if (word === 'forgotten') {
    record.isStopping = false;
    keepSeconds(record, 0);
    return;
  }
  const neverRan = word === 'unknown' && (record.startedAt === null || (record.tokenEndsAt ?? 0) > now);
  if (neverRan) {
    // a token that the vendor still accepts keeps its hold, and needs no place
    if (record.startedAt !== null) record.isStopping = false;
    return;
  }
  record.isStopping = false;
  if (record.startedAt === null) return;
  const ranOn = wholeSeconds(record.endedAt ?? now, Math.min(now, cappedAt(record)));
  keepSeconds(record, expectsFigures ? (ranOn > 1 ? ranOn : 0) + record.unseenSeconds : 0);
}

/** The vendor ends a session sooner than it was granted for. */
export function capSession(user: ModelUser, rules: Rules, { recordId, capSeconds }: SessionCap, now: Instant): void {
  const record = findRecord(user, recordId);
  if (!record) return;
  record.namedCap = capSeconds;
  if (!isOpen(record)) {
    keepSeconds(record, Math.max(vendorCap(record) - settledSeconds(record), 0));
    return;
  }
  const settled = settledSeconds(record);
  const seconds = Math.max(capSeconds - settled, 0);
  if (record.countedFrom === null || seconds >= record.heldSeconds) return;
  const expiresAt = record.countedFrom + seconds * 1000;
  const terms = { ...dearest(pricesFor(rules, record), record.countedFrom, expiresAt), ...record.rounding };
  const cost = holdCost(settled, seconds, terms);
  record.heldSeconds = seconds;
  record.heldCost = cost < record.heldCost ? cost : record.heldCost;
  record.expiresAt = expiresAt;
  record.notice = noticeAt(now, expiresAt);
}

function findRecord(user: ModelUser, recordId: string): ModelRecord | undefined {
  return user.records.find(({ id }) => id === recordId);
}
