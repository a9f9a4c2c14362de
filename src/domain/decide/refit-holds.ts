import type { Micros } from '../money.ts';
import type { BillingPeriod } from '../period.ts';
import type { Price } from '../price.ts';
import { affordableHold, dearestFor, holdCost } from '../price-book.ts';
import type { StoredQuota, StoredRecord } from '../state.ts';
import { claimedCost, type Leaving } from './account-room.ts';
import {
  book,
  byAge,
  changeQuota,
  changeRecord,
  type Draft,
  openRecords,
  priceListOf,
  publish,
  quotaOf,
  roomOf,
  secondsBetween,
  vendorCap,
} from './draft.ts';
import { noticeAt } from './due.ts';
import { deadline } from './move-records.ts';
import { rearmThresholds } from './refresh-thresholds.ts';

/** What an open record has consumed, and the most that it could hold. */
interface Claim {
  readonly record: StoredRecord;
  /** The dearest that can apply to it. */
  readonly price: Price;
  readonly consumedSeconds: number;
  readonly consumedCost: Micros;
  readonly wantedSeconds: number;
}

/**
 * Fits the open records of a month to its limits and prices.
 *
 * A record keeps what it has consumed. The room beyond that goes to the oldest first, up to what it could run at most: the
 * vendor's cap, or the largest grant. Deadlines follow the holds. Under a ceiling no record gets more time than the account
 * has room for; none has to give any back.
 */
export function refitHolds(draft: Draft, period: BillingPeriod): void {
  const quota = quotaOf(draft, period);
  const claims = openRecords(draft)
    .filter(({ quotaPeriod }) => quotaPeriod === period)
    .sort(byAge)
    .map((record) => claimOf(draft, record));
  let accountRoom = roomOfAccount(draft, period);
  for (const { claim, seconds } of shareOut(quota, claims)) {
    const { record, price } = claim;
    const growth = holdCost(record.settledSeconds, seconds, price) - record.heldCost;
    refit(draft, claim, withinAccount(record, seconds, accountRoom, price));
    if (accountRoom !== null && growth > 0n) accountRoom -= growth;
  }
  changeQuota(draft, period, { limitsChangedAt: null });
  publish(draft, period, 'limit_changed', null);
  rearmThresholds(draft, period);
}

function claimOf(draft: Draft, record: StoredRecord): Claim {
  const { now, rules } = draft;
  const { maxSessionSeconds } = rules.policy;
  const until = Math.max(record.expiresAt ?? now, now) + maxSessionSeconds * 1000;
  const price = dearestFor(record, priceListOf(draft, record), record.countedFrom ?? now, until);
  const consumedSeconds =
    record.countedFrom === null ? 0 : Math.min(secondsBetween(record.countedFrom, now), record.heldSeconds);
  const vendorSeconds = vendorCap(record);
  const cap = Number.isFinite(vendorSeconds) ? vendorSeconds : maxSessionSeconds;
  return {
    record,
    price,
    consumedSeconds,
    consumedCost: holdCost(record.settledSeconds, consumedSeconds, price),
    wantedSeconds: Math.max(cap - record.settledSeconds - consumedSeconds, 0),
  };
}

/** What the user's own limits leave to each record. */
function shareOut(quota: StoredQuota, claims: readonly Claim[]): { claim: Claim; seconds: number }[] {
  // What is held for records that have ended is not theirs to share.
  let { seconds: roomSeconds, cost: roomCost } = roomOf(quota);
  for (const { record, consumedSeconds, consumedCost } of claims) {
    roomSeconds += record.heldSeconds - consumedSeconds;
    roomCost += record.heldCost - consumedCost;
  }
  return claims.map((claim) => {
    const { record, price, consumedSeconds, consumedCost, wantedSeconds } = claim;
    // Its own consumption is part of what it can afford, so that nothing is rounded away where the two meet.
    const affordable = affordableHold(record.settledSeconds, roomCost + consumedCost, price) - consumedSeconds;
    const more = Math.max(Math.min(wantedSeconds, roomSeconds, affordable), 0);
    roomSeconds -= wantedSeconds;
    roomCost -= holdCost(record.settledSeconds, consumedSeconds + wantedSeconds, price) - consumedCost;
    return { claim, seconds: consumedSeconds + more };
  });
}

/** What the account's ceiling leaves in a month, once some records are gone. Null without one. */
export function roomOfAccount({ account, rules }: Draft, period: BillingPeriod, leaving?: Leaving): Micros | null {
  const { accountLimitCost } = rules.policy;
  if (!account || accountLimitCost === null) return null;
  return accountLimitCost - claimedCost(account, period, leaving);
}

function withinAccount(record: StoredRecord, seconds: number, room: Micros | null, price: Price): number {
  if (room === null || seconds <= record.heldSeconds) return seconds;
  const payable = record.heldCost + (room > 0n ? room : 0n);
  return Math.max(record.heldSeconds, Math.min(seconds, affordableHold(record.settledSeconds, payable, price)));
}

function refit(draft: Draft, { record, price }: Claim, newSeconds: number): void {
  const { now } = draft;
  const { heldSeconds, heldCost, settledSeconds, countedFrom } = record;
  const newCost = holdCost(settledSeconds, newSeconds, price);
  if (newSeconds === heldSeconds && newCost === heldCost) return;
  const grows = newSeconds > heldSeconds || (newSeconds === heldSeconds && newCost > heldCost);
  book(draft, record, record.quotaPeriod, {
    kind: grows ? 'hold' : 'release',
    heldSeconds: newSeconds - heldSeconds,
    heldCost: newCost - heldCost,
    reason: 'limit_changed',
    actor: 'sweeper',
  });
  const expiresAt = deadline(countedFrom, newSeconds, record.expiresAt ?? now, now);
  changeRecord(draft, record, {
    heldSeconds: newSeconds,
    heldCost: newCost,
    grantSeconds: settledSeconds + newSeconds,
    endingNotice: noticeAfter(record, expiresAt, now),
    expiresAt,
  });
}

/** Where only the cost has changed, a notice that is due must still be sent. */
function noticeAfter(record: StoredRecord, expiresAt: number, now: number): number | null {
  if (expiresAt === record.expiresAt) return record.endingNotice;
  return record.status === 'active' ? noticeAt(expiresAt - now) : null;
}
