import { endOnDemand, endRecord, keepSeconds } from './endings.ts';
import { followLimits, followPrices } from './limits.ts';
import {
  endOf,
  type Instant,
  isOutstanding,
  lapseAt,
  type ModelRecord,
  type ModelUser,
  nextEventOfEnded,
  noticeAt,
  openRecords,
  patienceEndsAt,
  pricesFor,
  type Rules,
} from './model.ts';
import { moveRecords } from './months.ts';
import { lineAt } from './prices.ts';
import { noteCrossings } from './thresholds.ts';

// What falls due by itself in the model.

/** One sweep of a user: does what is due, and nothing for a user for whom nothing is. */
export function sweep(user: ModelUser, rules: Rules, now: Instant): void {
  followPrices(user, rules, now);
  const changed = [...user.quotas].filter(([, quota]) => quota.limitsChanged).map(([period]) => period);
  followLimits(user, rules, changed, now);
  for (const record of openRecords(user)) endByClock(user, rules, record, now);
  for (const record of user.records) stopWaiting(record, now);
  const isPastMonth = ({ holdingPeriod }: ModelRecord) => endOf(rules, holdingPeriod) <= now;
  moveRecords(user, rules, openRecords(user).filter(isPastMonth), now);
  for (const record of openRecords(user)) {
    announceEnd(record, now);
    if (record.countedFrom !== null && (record.line?.until ?? now + 1) <= now) {
      record.line = lineAt(pricesFor(rules, record), record.countedFrom, now);
    }
  }
  noteCrossings(user, rules, now);
}

function endByClock(user: ModelUser, rules: Rules, record: ModelRecord, now: Instant): void {
  const lapse = lapseAt(record, rules);
  const deadline = record.expiresAt ?? now;
  if (Math.min(lapse, deadline) > now) return;
  if (record.status === 'reserved') endRecord(user, rules, record, 'token_expired', now, now);
  else if (lapse < deadline) endRecord(user, rules, record, 'heartbeat_lost', record.lastHeartbeatAt ?? now, now);
  else if (now < deadline + 1000) endRecord(user, rules, record, 'deadline_reached', deadline, now);
  else endOnDemand(user, rules, record, 'deadline_reached', now);
}

/** The vendor's cap gives a place back. A day later, the vendor's word is not waited for any more. */
function stopWaiting(record: ModelRecord, now: Instant): void {
  if (!isOutstanding(record) || nextEventOfEnded(record) > now) return;
  record.isStopping = false;
  if (patienceEndsAt(record) <= now) keepSeconds(record, 0);
}

/** Each notice is sent once. */
function announceEnd(record: ModelRecord, now: Instant): void {
  if (record.status !== 'active' || record.expiresAt === null) return;
  const isSent = record.notice === 15 || (record.notice === 60 && record.expiresAt > now + 15_000);
  if (!isSent) record.notice = noticeAt(now, record.expiresAt) ?? record.notice;
}
