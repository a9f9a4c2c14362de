import { dearestFor, holdCost } from '../price-book.ts';
import { isOpen } from '../state.ts';
import type { ConfirmedStop, SessionCap, SessionName, StartedRecord } from '../store.ts';
import {
  book,
  changeRecord,
  type Draft,
  noteConfirmedStop,
  orderStop,
  priceListOf,
  publish,
  secondsBetween,
} from './draft.ts';
import { noticeAt } from './due.ts';
import { recordById } from './find-record.ts';
import { capOutstanding, leavePlace, release, releaseStopped } from './outstanding.ts';

/**
 * Notes how the vendor named a session that it opened. False for one that ended in the meantime: the vendor must stop it. A
 * session is named once.
 */
export function name(draft: Draft, { recordId, avatarSessionId }: SessionName): boolean {
  const record = recordById(draft, recordId);
  if (!record || record.avatarSessionId !== null) return false;
  changeRecord(draft, record, { avatarSessionId });
  if (!isOpen(record)) orderStop(draft, record);
  return record.status === 'active';
}

/**
 * The vendor runs a session now. False for one that ended in the meantime: the vendor must stop it, also if it confirmed
 * that before, since it confirms the stop of a session that does not run yet. One that ran before we knew of it may have been
 * started at any moment since its token was issued.
 */
export function confirmStart(draft: Draft, { recordId, ranBefore }: StartedRecord): boolean {
  const record = recordById(draft, recordId);
  if (!record) return false;
  if (ranBefore && record.startedAt !== null) {
    changeRecord(draft, record, { unseenSeconds: secondsBetween(record.createdAt, record.startedAt) });
  }
  if (record.status !== 'active') orderStop(draft, record, Number.POSITIVE_INFINITY);
  return record.status === 'active';
}

/**
 * The vendor was asked to stop a session, and has answered. That it does not know one which started here means that it does not
 * run any more. Of a token that the vendor still accepts it means nothing, also if its start was reported: the vendor would know a
 * session that ran, and such a token can still be used. What the vendor has forgotten costs nothing any more.
 */
export function confirmStop(draft: Draft, { recordId, word, expectsFigures }: ConfirmedStop): undefined {
  const record = recordById(draft, recordId);
  if (!record || isOpen(record)) return;
  noteConfirmedStop(draft, recordId);
  if (word === 'forgotten') {
    leavePlace(draft, record);
    release(draft, record, 'stop_confirmed');
  } else if (word === 'unknown' && (record.tokenEndsAt ?? 0) > draft.now) {
    leavePlace(draft, record);
  } else if (record.startedAt !== null) {
    releaseStopped(draft, record, expectsFigures);
  } else if (word === 'stopped') {
    // It ran without a report: its figures are to come.
    leavePlace(draft, record);
  }
}

/**
 * Notes the cap that the vendor named at the start. Where it is lower than the grant, the hold shrinks to it and the deadline
 * follows. Of a session that has ended no more stays held than the vendor may bill until then.
 */
export function cap(draft: Draft, { recordId, capSeconds }: SessionCap): undefined {
  const record = recordById(draft, recordId);
  if (!record) return;
  if (record.effectiveCapSeconds !== capSeconds) changeRecord(draft, record, { effectiveCapSeconds: capSeconds });
  if (!isOpen(record)) return capOutstanding(draft, record);
  const { countedFrom, settledSeconds, heldSeconds, heldCost, quotaPeriod } = record;
  const newSeconds = Math.max(capSeconds - settledSeconds, 0);
  if (record.status !== 'active' || countedFrom === null || newSeconds >= heldSeconds) return;

  const expiresAt = countedFrom + newSeconds * 1000;
  const price = dearestFor(record, priceListOf(draft, record), countedFrom, expiresAt);
  const atCap = holdCost(settledSeconds, newSeconds, price);
  const newCost = atCap < heldCost ? atCap : heldCost;
  book(draft, record, quotaPeriod, {
    kind: 'release',
    heldSeconds: newSeconds - heldSeconds,
    heldCost: newCost - heldCost,
    reason: 'session_capped',
    actor: 'track_start',
  });
  changeRecord(draft, record, {
    heldSeconds: newSeconds,
    heldCost: newCost,
    grantSeconds: settledSeconds + newSeconds,
    expiresAt,
    endingNotice: noticeAt(expiresAt - draft.now),
  });
  publish(draft, quotaPeriod, 'session_capped', record.id);
}
