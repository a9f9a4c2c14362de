import { nextPeriod } from '../../src/domain/period.ts';
import {
  bySeniority,
  endOf,
  ensureQuota,
  fitting,
  hold,
  type Instant,
  type ModelRecord,
  type ModelUser,
  noticeAt,
  pricesFor,
  type Rules,
  roomOf,
  settledSeconds,
  wholeSeconds,
} from './model.ts';
import { costOf, dearest, holdCost, lineAt, type Terms } from './prices.ts';

// How records of the model move to the next month.

/** Settles what was used up to the month's end; the second started there belongs to the old month. */
function closeMonth(user: ModelUser, rules: Rules, record: ModelRecord): number {
  const old = record.holdingPeriod;
  const seconds = record.countedFrom === null ? 0 : wholeSeconds(record.countedFrom, endOf(rules, old));
  if (record.countedFrom !== null) {
    record.settled.set(old, { seconds, cost: costOf(pricesFor(rules, record), record.countedFrom, seconds) });
    record.countedFrom += seconds * 1000;
  }
  record.holdingPeriod = nextPeriod(old);
  ensureQuota(user, rules, record.holdingPeriod);
  return seconds;
}

/**
 * Takes open records over the end of their month. What is left of each hold moves on; the new month's room goes to the
 * oldest first, what an older one wishes for being kept free for it even where its cost gave it less.
 */
export function moveRecords(user: ModelUser, rules: Rules, records: readonly ModelRecord[], now: Instant): void {
  const periods = new Set(records.map((record) => nextPeriod(record.holdingPeriod)));
  const rooms = new Map([...periods].map((period) => [period, roomOf(user, rules, period)]));
  for (const record of [...records].sort(bySeniority)) {
    const deadline = record.expiresAt ?? now;
    const from = record.countedFrom;
    const terms = termsAfterMonth(rules, record, now);
    const used = closeMonth(user, rules, record);
    const wished = Math.max(record.heldSeconds - used, 0);
    const room = rooms.get(record.holdingPeriod) ?? { seconds: 0, cost: 0n };
    hold(record, fitting(record, wished, room, terms), terms);
    room.seconds -= wished;
    room.cost -= holdCost(settledSeconds(record), wished, terms);
    if (from !== null) record.expiresAt = from + (used + record.heldSeconds) * 1000;
    else if (record.heldSeconds === 0) record.expiresAt = Math.min(deadline, now);
    if (record.expiresAt !== null && record.expiresAt !== deadline) record.notice = noticeAt(now, record.expiresAt);
    if (record.countedFrom !== null) record.line = lineAt(pricesFor(rules, record), record.countedFrom, now);
  }
}

/** The dearest that can apply from the month's end on, as long as the record can live; a session's rounding is known. */
function termsAfterMonth(rules: Rules, record: ModelRecord, now: Instant): Terms {
  const until = Math.max(record.expiresAt ?? now, now) + record.heldSeconds * 1000;
  return { ...dearest(pricesFor(rules, record), endOf(rules, record.holdingPeriod), until), ...record.rounding };
}
