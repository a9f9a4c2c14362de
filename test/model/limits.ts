import { roomOfAccount } from './account.ts';
import {
  bySeniority,
  ensureQuota,
  fitting,
  hasOldPrice,
  hold,
  type Instant,
  isOpen,
  limitsOf,
  type ModelRecord,
  type ModelUser,
  noticeAt,
  openRecords,
  pricesFor,
  type Rules,
  settledOf,
  settledSeconds,
  sum,
  sumOfCosts,
  vendorCap,
  wholeSeconds,
} from './model.ts';
import { affordable, dearest, holdCost, lineAt, revisionOf, type Terms } from './prices.ts';
import { crossedAt } from './thresholds.ts';

// How open records of the model follow limits and prices that change.

/**
 * Lets open records follow the prices that were entered: sessions go on along the new line, and the months whose holds they
 * change must follow, too.
 */
export function followPrices(user: ModelUser, rules: Rules, now: Instant): void {
  for (const record of openRecords(user)) {
    if (!hasOldPrice(rules, record)) continue;
    if (record.countedFrom !== null) record.line = lineAt(pricesFor(rules, record), record.countedFrom, now);
    record.priceRevision = revisionOf(rules.prices, record.mode);
    ensureQuota(user, rules, record.holdingPeriod).limitsChanged = true;
  }
}

/**
 * Lets the open records of some months follow their limits: each keeps what it has consumed, then the oldest comes first.
 * Where the account, which all users share, has no room left, nobody gets more time than before.
 */
export function followLimits(user: ModelUser, rules: Rules, periods: readonly string[], now: Instant): void {
  for (const period of [...periods].sort()) {
    let room = roomOfAccount([user, ...rules.others], rules.policy, period);
    for (const { record, terms, seconds } of fitToQuota(user, rules, period, now)) {
      const growth = holdCost(settledSeconds(record), seconds, terms) - record.heldCost;
      refit(record, withinRoom(record, seconds, room, terms), terms, now);
      if (room !== null && growth > 0n) room -= growth;
    }
    ensureQuota(user, rules, period).limitsChanged = false;
    rearm(user, rules, period, now);
  }
}

/** What the user's own limits, and what is held for ended records, leave to each open record of a month, the oldest first. */
function fitToQuota(user: ModelUser, rules: Rules, period: string, now: Instant) {
  const claims = openRecords(user)
    .filter((record) => record.holdingPeriod === period)
    .sort(bySeniority)
    .map((record) => claimOf(rules, record, now));
  const { limitMinutes, limitCost } = limitsOf(user, rules, period);
  const settled = settledOf(user, period);
  const ended = user.records.filter((record) => !isOpen(record) && record.holdingPeriod === period);
  const room = {
    seconds:
      limitMinutes * 60 -
      settled.seconds -
      sum(ended, ({ heldSeconds }) => heldSeconds) -
      sum(claims, ({ consumed }) => consumed.seconds),
    cost:
      limitCost -
      settled.cost -
      sumOfCosts(ended, ({ heldCost }) => heldCost) -
      sumOfCosts(claims, ({ consumed }) => consumed.cost),
  };
  return claims.map(({ record, terms, consumed, most }) => {
    const roomInAll = { seconds: room.seconds + consumed.seconds, cost: room.cost + consumed.cost };
    room.seconds -= most - consumed.seconds;
    room.cost -= holdCost(settledSeconds(record), most, terms) - consumed.cost;
    return { record, terms, seconds: Math.max(fitting(record, most, roomInAll, terms), consumed.seconds) };
  });
}

/** More time only for what the account has left; what a record has it keeps. */
function withinRoom(record: ModelRecord, seconds: number, room: bigint | null, terms: Terms): number {
  if (room === null || seconds <= record.heldSeconds) return seconds;
  const payable = record.heldCost + (room > 0n ? room : 0n);
  return Math.max(record.heldSeconds, Math.min(seconds, affordable(settledSeconds(record), payable, terms)));
}

/** What a record has consumed, at the dearest price that can apply to it, and how much it could hold at most. */
function claimOf(rules: Rules, record: ModelRecord, now: Instant) {
  const { maxSessionSeconds } = rules.policy;
  const settled = settledSeconds(record);
  const cap = vendorCap(record);
  const longest = Math.max(record.expiresAt ?? now, now) + maxSessionSeconds * 1000;
  const terms: Terms = {
    ...dearest(pricesFor(rules, record), record.countedFrom ?? now, longest),
    ...record.rounding,
  };
  const seconds = record.countedFrom === null ? 0 : Math.min(wholeSeconds(record.countedFrom, now), record.heldSeconds);
  const consumed = { seconds, cost: holdCost(settled, seconds, terms) };
  return {
    record,
    terms,
    consumed,
    most: Math.max((Number.isFinite(cap) ? cap : maxSessionSeconds) - settled, seconds),
  };
}

function refit(record: ModelRecord, seconds: number, terms: Terms, now: Instant): void {
  const changes = seconds !== record.heldSeconds;
  hold(record, seconds, terms);
  if (!changes) return;
  if (record.countedFrom !== null) {
    record.expiresAt = record.countedFrom + seconds * 1000;
    record.notice = noticeAt(now, record.expiresAt);
  } else if (seconds === 0) {
    record.expiresAt = Math.min(record.expiresAt ?? now, now);
  }
}

/** A threshold that lies ahead again can fire again. */
function rearm(user: ModelUser, rules: Rules, period: string, now: Instant): void {
  const quota = ensureQuota(user, rules, period);
  const crossed = new Set(crossedAt(user, rules, period, now));
  for (const threshold of quota.fired) if (!crossed.has(threshold)) quota.fired.delete(threshold);
}
