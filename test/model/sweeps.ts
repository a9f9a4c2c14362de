import { endOnDemand, endRecord } from './endings.ts';
import {
  endOf,
  type Instant,
  isOpen,
  lapseAt,
  type ModelUser,
  nextEventOf,
  noticeAt,
  openRecords,
  pricesFor,
  type Rules,
} from './model.ts';
import { moveRecords } from './months.ts';
import { lineAt } from './prices.ts';
import { noteCrossings } from './thresholds.ts';

// What falls due by itself in the model.

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
    const priceIsOver = (record.line?.until ?? now + 1) <= now;
    if (priceIsOver && record.countedFrom !== null) {
      record.line = lineAt(pricesFor(rules, record), record.countedFrom, now);
    }
  }
  noteCrossings(user, rules, now);
  return due.length;
}
