import { unsettledCost } from '../price-book.ts';
import type { EndReason, UsageStatus } from '../session.ts';
import { type Instant, isOpen, type StoredRecord } from '../state.ts';
import {
  book,
  changeRecord,
  type Draft,
  orderStop,
  priceListOf,
  publish,
  secondsBetween,
  vendorEndsAt,
} from './draft.ts';
import { moveRecords } from './move-records.ts';
import { heldAfterEnd, runsOn } from './outstanding.ts';

export interface Closing {
  readonly reason: EndReason;
  /** When the session ended. Ignored for a token that was never started. */
  readonly endedAt: Instant;
  /** Kept as the record's error message. */
  readonly errorMessage?: string | null;
  /** Named in the ledger. */
  readonly actor: string;
}

/**
 * Ends a record: settles its use, orders its stop and notifies its user. A record that has ended is left alone. The only place
 * where a record ends. What the vendor may still bill for it stays held.
 *
 * A started second is a full second, and use is rounded up as the vendor bills. Use has no upper bound: a late end is
 * booked past the hold and the limit. A session that ran past the end of its month is split there. A session that turns out
 * to have ended before the part that is settled, since its heartbeats had stopped, is corrected in that month.
 */
export function closeRecord(draft: Draft, record: StoredRecord, closing: Closing): void {
  if (!isOpen(record)) return;
  const { now, rules } = draft;
  const { reason, actor, errorMessage = null } = closing;
  const ran = record.status === 'active' && record.startedAt !== null;
  while (ran && closing.endedAt > rules.endOf(record.quotaPeriod)) moveRecords(draft, [record]);

  const endedAt = ran ? Math.max(closing.endedAt, record.startedAt ?? now) : now;
  const totalSeconds = ran ? secondsBetween(record.startedAt ?? now, closing.endedAt) : 0;
  const seconds = totalSeconds - record.settledSeconds;
  const cost = ran ? unsettledCost(record, priceListOf(draft, record), totalSeconds) : 0n;
  const { quotaPeriod, billingPeriod, heldSeconds, heldCost, settledCost } = record;
  const overSettled = seconds < 0;
  const isVendorsWord = reason === 'vendor_ended';
  const kept = isVendorsWord ? null : heldAfterEnd(record, { seconds, cost });
  const isStopping = !isVendorsWord && runsOn(draft, record);

  changeRecord(draft, record, {
    status: statusAfter(reason, ran),
    endReason: reason,
    endedAt,
    durationSeconds: totalSeconds,
    estimatedCost: settledCost + cost,
    settledSeconds: Math.min(record.settledSeconds, totalSeconds),
    settledCost: overSettled ? settledCost + cost : settledCost,
    heldSeconds: kept?.heldSeconds ?? 0,
    heldCost: kept?.heldCost ?? 0n,
    isStopping,
    sealedToken: null,
    expiresAt: null,
    errorMessage: errorMessage ?? record.errorMessage,
  });
  book(draft, record, quotaPeriod, {
    kind: ran ? 'settle' : 'release',
    usedSeconds: Math.max(seconds, 0),
    usedCost: overSettled ? 0n : cost,
    heldSeconds: record.heldSeconds - heldSeconds,
    heldCost: record.heldCost - heldCost,
    reason,
    actor,
  });
  if (overSettled) {
    book(draft, record, billingPeriod, { kind: 'correct', usedSeconds: seconds, usedCost: cost, reason, actor });
    publish(draft, billingPeriod, 'corrected', record.id);
  }
  if (draft.account && !isStopping) draft.account.openSessions -= 1;
  publish(draft, quotaPeriod, 'session_ended', record.id);
  // Whatever the browser says it did, the vendor must confirm the stop as well.
  if (!isVendorsWord) orderStop(draft, record);
}

/** Ends a record now. A session that the vendor caps by itself ended at its cap at the latest. */
export function closeNow(draft: Draft, record: StoredRecord, closing: Omit<Closing, 'endedAt'>): void {
  closeRecord(draft, record, { ...closing, endedAt: Math.min(draft.now, vendorEndsAt(record)) });
}

/** A token that is never used expires; only an error is kept as an error, so that the history shows it as one. */
function statusAfter(reason: EndReason, ran: boolean): UsageStatus {
  if (reason === 'vendor_error' || reason === 'client_error') return 'error';
  return ran ? 'completed' : 'expired';
}
