import type { Micros } from '../money.ts';
import { type Instant, isOpen, isOutstanding, type StoredRecord } from '../state.ts';
import { book, changeRecord, type Draft, publish, secondsBetween, vendorCap, vendorEndsAt } from './draft.ts';

// What was held for a token that has left this service returns only on the vendor's word, or when by the vendor's clock nothing
// can be spent any more and the vendor has stayed silent for a day.

/** How long after the last moment at which a record can be billed the vendor's figures are waited for. */
const SILENCE_MS = 24 * 60 * 60 * 1000;

/** A second that has begun counts: a stop that comes within it has cost nothing more. */
const PUNCTUAL_SECONDS = 1;

interface Hold {
  readonly heldSeconds: number;
  readonly heldCost: Micros;
}

const NOTHING: Hold = { heldSeconds: 0, heldCost: 0n };

/** The last moment at which the vendor can bill for a record. Infinity where nothing but a stop ends it. */
export function billableUntil(record: StoredRecord): Instant {
  if (record.startedAt !== null) return vendorEndsAt(record);
  return record.tokenEndsAt === null ? Number.NEGATIVE_INFINITY : record.tokenEndsAt + vendorCap(record) * 1000;
}

/** What stays held of a record that ends now. Its use is negative where more was settled at a month's end than it has used. */
export function heldAfterEnd(record: StoredRecord, used: { readonly seconds: number; readonly cost: Micros }): Hold {
  const canBeBilled = record.startedAt === null ? mayHaveStarted(record) : canBeStopped(record);
  const heldSeconds = Math.max(record.heldSeconds - used.seconds, 0);
  if (!canBeBilled || heldSeconds === 0) return NOTHING;
  const heldCost = record.heldCost - used.cost;
  return { heldSeconds, heldCost: heldCost > 0n ? heldCost : 0n };
}

/** Whether the page may have started an unused token past this service: now, later, or long ago if this end comes late. */
export function mayHaveStarted({ tokenEndsAt }: StoredRecord): boolean {
  return tokenEndsAt !== null;
}

/** Whether a session that ends here now runs on at the vendor until that confirms its stop. */
export function runsOn({ now }: Draft, record: StoredRecord): boolean {
  return record.startedAt !== null && canBeStopped(record) && vendorEndsAt(record) > now;
}

/** A session without a name cannot be stopped; its token may have been used all the same. */
function canBeStopped({ avatarSessionId, tokenEndsAt }: StoredRecord): boolean {
  return avatarSessionId !== null || tokenEndsAt !== null;
}

/** Returns what a record that has ended still holds, but for so much as stays held. */
export function release(draft: Draft, record: StoredRecord, reason: string, kept: Hold = NOTHING): void {
  const { heldSeconds, heldCost, quotaPeriod } = record;
  if (isOpen(record) || (heldSeconds === kept.heldSeconds && heldCost === kept.heldCost)) return;
  book(draft, record, quotaPeriod, {
    kind: 'release',
    heldSeconds: kept.heldSeconds - heldSeconds,
    heldCost: kept.heldCost - heldCost,
    reason,
    actor: 'service',
  });
  changeRecord(draft, record, kept);
  publish(draft, quotaPeriod, 'hold_released', record.id);
}

/** Gives the place of a session that runs no more to another one. */
export function leavePlace(draft: Draft, record: StoredRecord): void {
  if (!record.isStopping) return;
  changeRecord(draft, record, { isStopping: false });
  if (draft.account) draft.account.openSessions -= 1;
}

/** The vendor does not run the session any more: what it may have streamed past our end stays held until its figures come. */
export function releaseStopped(draft: Draft, record: StoredRecord, expectsFigures: boolean): void {
  leavePlace(draft, record);
  const late = secondsBetween(record.endedAt ?? draft.now, Math.min(draft.now, vendorEndsAt(record)));
  const unbooked = (late > PUNCTUAL_SECONDS ? late : 0) + record.unseenSeconds;
  const heldSeconds = expectsFigures && record.reconciledAt === null ? Math.min(record.heldSeconds, unbooked) : 0;
  const heldCost = heldSeconds === record.heldSeconds ? record.heldCost : shareOf(record, heldSeconds);
  release(draft, record, 'stop_confirmed', { heldSeconds, heldCost });
}

/** The vendor ends a session sooner than was held for: the rest returns, whether it confirms the stop or not. */
export function capOutstanding(draft: Draft, record: StoredRecord): undefined {
  const left = Math.max(vendorCap(record) - record.durationSeconds, 0);
  if (left >= record.heldSeconds) return;
  release(draft, record, 'session_capped', { heldSeconds: left, heldCost: shareOf(record, left) });
}

/** The part of a hold's cost that some of its seconds take, rounded up. */
function shareOf({ heldSeconds, heldCost }: StoredRecord, seconds: number): Micros {
  if (seconds === 0) return 0n;
  return (heldCost * BigInt(seconds) + BigInt(heldSeconds) - 1n) / BigInt(heldSeconds);
}

/** When an ended record must be looked at: at the end of its place, or of our patience with the vendor. */
export function outstandingDue(record: StoredRecord): Instant {
  return record.isStopping ? Math.min(vendorEndsAt(record), patienceEndsAt(record)) : patienceEndsAt(record);
}

/** From here on the vendor's word is not waited for. */
function patienceEndsAt(record: StoredRecord): Instant {
  const billable = billableUntil(record);
  return (Number.isFinite(billable) ? billable : (record.endedAt ?? record.createdAt)) + SILENCE_MS;
}

/** Does what has fallen due for a record that has ended. */
export function sweepOutstanding(draft: Draft, record: StoredRecord): void {
  if (!isOutstanding(record) || outstandingDue(record) > draft.now) return;
  leavePlace(draft, record);
  if (patienceEndsAt(record) <= draft.now) release(draft, record, 'vendor_silent');
}

/** When a refusal may be worth another try: a stop is confirmed within seconds, an unused token with its end. */
export function returnsAt({ user, now }: Draft): Instant | null {
  const moments = user.records
    .filter(isOutstanding)
    .map((record) => (record.isStopping ? now + STOP_SECONDS * 1000 : Math.max(billableUntil(record), now)));
  const soonest = Math.min(...moments);
  return Number.isFinite(soonest) ? soonest : null;
}

/** What a vendor usually needs to confirm a stop that failed at first. */
const STOP_SECONDS = 5;
