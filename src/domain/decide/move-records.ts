import { type BillingPeriod, nextPeriod } from '../period.ts';
import { affordableHold, costOfSeconds, currentPrice, dearestFor, holdCost, type PriceStep } from '../price-book.ts';
import type { Instant, StoredRecord } from '../state.ts';
import {
  book,
  byAge,
  changeRecord,
  type Draft,
  priceListOf,
  publish,
  quotaOf,
  type Room,
  raiseVersion,
  roomOf,
  secondsBetween,
} from './draft.ts';
import { noticeAt } from './due.ts';

/**
 * Takes open records past the end of their month.
 *
 * The use up to there is settled in the old month: a started second belongs to the month in which it started. The rest of each
 * hold moves to the next month. Where that has less room, the hold and the deadline shrink: the oldest record comes first, and
 * what it could have held stays free of the younger ones' holds.
 */
export function moveRecords(draft: Draft, records: readonly StoredRecord[]): void {
  const rooms = new Map<BillingPeriod, Room>();
  for (const record of [...records].sort(byAge)) {
    const newPeriod = nextPeriod(record.quotaPeriod);
    const room = rooms.get(newPeriod) ?? roomOf(quotaOf(draft, newPeriod));
    rooms.set(newPeriod, room);
    moveRecord(draft, record, newPeriod, room);
  }
}

function moveRecord(draft: Draft, record: StoredRecord, newPeriod: BillingPeriod, room: Room): void {
  const { now, rules } = draft;
  const { quotaPeriod, heldSeconds, heldCost } = record;
  const list = priceListOf(draft, record);
  const endsAt = rules.endOf(quotaPeriod);
  const countedFrom = record.status === 'active' ? record.countedFrom : null;
  const usedSeconds = countedFrom === null ? 0 : secondsBetween(countedFrom, endsAt);
  const usedCost = countedFrom === null ? 0n : costOfSeconds(list, countedFrom, usedSeconds);
  const settledSeconds = record.settledSeconds + usedSeconds;
  const expiresAt = record.expiresAt ?? now;
  const dearest = dearestFor(record, list, endsAt, Math.max(expiresAt, now) + heldSeconds * 1000);
  book(draft, record, quotaPeriod, {
    kind: countedFrom === null ? 'release' : 'settle',
    usedSeconds,
    usedCost,
    heldSeconds: -heldSeconds,
    heldCost: -heldCost,
    reason: 'period_ended',
    actor: 'sweeper',
  });
  raiseVersion(draft, quotaPeriod);

  const wished = Math.max(heldSeconds - usedSeconds, 0);
  const newSeconds = Math.max(Math.min(wished, room.seconds, affordableHold(settledSeconds, room.cost, dearest)), 0);
  const newCost = holdCost(settledSeconds, newSeconds, dearest);
  room.seconds -= wished;
  room.cost -= holdCost(settledSeconds, wished, dearest);
  book(draft, record, newPeriod, {
    kind: 'move',
    heldSeconds: newSeconds,
    heldCost: newCost,
    reason: 'period_started',
    actor: 'sweeper',
  });

  const newCountedFrom = countedFrom === null ? null : countedFrom + usedSeconds * 1000;
  const newExpiresAt = deadline(newCountedFrom, newSeconds, expiresAt, now);
  changeRecord(draft, record, {
    quotaPeriod: newPeriod,
    heldSeconds: newSeconds,
    heldCost: newCost,
    settledSeconds,
    settledCost: record.settledCost + usedCost,
    countedFrom: newCountedFrom,
    grantSeconds: settledSeconds + newSeconds,
    expiresAt: newExpiresAt,
    endingNotice: newExpiresAt === expiresAt ? record.endingNotice : noticeAt(newExpiresAt - now),
    ...(newCountedFrom !== null && priceFrom(list, newCountedFrom, now)),
  });
  publish(draft, newPeriod, 'period_started', record.id);
}

/** When a record with a new hold ends: a session by its hold, a token that lost all of it at once. */
export function deadline(countedFrom: Instant | null, heldSeconds: number, expiresAt: Instant, now: Instant): Instant {
  if (countedFrom !== null) return countedFrom + heldSeconds * 1000;
  return heldSeconds === 0 ? Math.min(expiresAt, now) : expiresAt;
}

/** How a running session costs from now on. Its rounding was settled at its start. */
export function priceFrom(list: readonly PriceStep[], countedFrom: Instant, now: Instant): Partial<StoredRecord> {
  const { pricePerMinute, pricedSeconds, pricedCost, priceUntil } = currentPrice(list, countedFrom, now);
  return { pricePerMinute, pricedSeconds, pricedCost, priceUntil };
}

/** Whether the month that holds for a record has ended. */
export function isPastMonth({ rules }: Draft, record: StoredRecord, at: Instant): boolean {
  return rules.endOf(record.quotaPeriod) <= at;
}
