import { currentPrice } from '../price-book.ts';
import { isOpen, type StoredRecord } from '../state.ts';
import type { OpenRequest, RecordOutcome, StartRequest } from '../store.ts';
import { tokenExpiresAt } from './attach.ts';
import { closeRecord } from './close-record.ts';
import { book, changeQuota, changeRecord, type Draft, priceListOf, publish, quotaOf, secondsBetween } from './draft.ts';
import { noticeAt } from './due.ts';
import { recordById } from './find-record.ts';
import { isPastMonth, moveRecords } from './move-records.ts';

/**
 * Starts the session of a token.
 *
 * The record is the one that the vendor's ID names or, where the vendor names a session only at its start, the newest unnamed
 * token of the conversation. There, the avatar is chosen at the start. Another user's session is not found.
 *
 * @param isTaken whether a record of any user names this session
 */
export function start(
  draft: Draft,
  request: StartRequest,
  isTaken: boolean,
): RecordOutcome<'started' | 'already_started' | 'ended'> {
  const record = findStartable(draft, request, isTaken);
  if (!record) return { outcome: 'not_found', recordId: null };
  const recordId = record.id;
  if (record.status === 'reserved') return { outcome: begin(draft, record, request), recordId };
  return { outcome: isOpen(record) ? 'already_started' : 'ended', recordId };
}

/** Starts a session by its token's record. Each token opens one session. If the vendor has not named it yet, it does so afterwards. */
export function open(
  draft: Draft,
  { recordId, avatarName, avatarSessionId = null }: OpenRequest,
): 'started' | 'taken' | 'ended' {
  const record = recordById(draft, recordId);
  if (record?.status === 'reserved' && record.avatarSessionId === null) {
    return begin(draft, record, { avatarSessionId, avatarName });
  }
  return record && isOpen(record) ? 'taken' : 'ended';
}

function findStartable(draft: Draft, request: StartRequest, isTaken: boolean): StoredRecord | undefined {
  const ofConversation = draft.user.records.filter(({ sessionId }) => sessionId === request.sessionId);
  return (
    ofConversation.find(({ avatarSessionId }) => avatarSessionId === request.avatarSessionId) ??
    (isTaken || request.mustBeNamed
      ? undefined
      : ofConversation.findLast(
          (record) => record.avatarSessionId === null && record.tokenHash !== null && record.status === 'reserved',
        ))
  );
}

interface Beginning {
  readonly avatarSessionId: string | null;
  readonly avatarName: string | null;
  readonly isReported?: boolean;
}

/** Reserved to active, unless the token's time to live has passed. */
function begin(
  draft: Draft,
  record: StoredRecord,
  { avatarSessionId, avatarName, isReported }: Beginning,
): 'started' | 'ended' {
  const { now } = draft;
  const isAlive = () => record.expiresAt !== null && record.expiresAt > now;
  // A token of last month starts in this one. Where this has no room left, the token ends.
  if (isAlive() && isPastMonth(draft, record, now)) moveRecords(draft, [record]);
  const isNamed = record.avatarSessionId !== null;
  const name = avatarSessionId ?? record.avatarSessionId;
  if (!isAlive()) {
    // Named all the same: the vendor must stop it.
    changeRecord(draft, record, { avatarSessionId: name });
    closeRecord(draft, record, { reason: 'token_expired', endedAt: now, actor: 'track_start' });
    return 'ended';
  }
  const { billingStepSeconds, minimumSeconds, ...price } = currentPrice(priceListOf(draft, record), now, now);
  const expiresAt = now + record.heldSeconds * 1000;
  changeRecord(draft, record, {
    status: 'active',
    avatarSessionId: name,
    avatarName: isNamed ? record.avatarName : (avatarName ?? record.avatarName),
    billingPeriod: record.quotaPeriod,
    startedAt: now,
    countedFrom: now,
    unseenSeconds: isReported ? secondsBetween(record.createdAt, now) : 0,
    errorMessage: null,
    expiresAt,
    endingNotice: noticeAt(expiresAt - now),
    billingStepSeconds,
    minimumSeconds,
    ...price,
  });
  const { sessionCount } = quotaOf(draft, record.quotaPeriod);
  changeQuota(draft, record.quotaPeriod, { sessionCount: sessionCount + 1 });
  publish(draft, record.quotaPeriod, 'session_started', record.id);
  return 'started';
}

/** A token whose session runs at the vendor without a report: it starts as of then. */
export function startUnreported(draft: Draft, record: StoredRecord): void {
  begin(draft, record, { avatarSessionId: record.avatarSessionId, avatarName: null });
}

/** Active to reserved: the vendor has not started the session, and its token can be used once more. */
export function forgetStart(draft: Draft, record: StoredRecord, errorMessage: string): void {
  const { billingPeriod, quotaPeriod, startedAt, tokenEndsAt, settledSeconds, settledCost } = record;
  if (startedAt === null) return;
  const { sessionCount } = quotaOf(draft, billingPeriod);
  changeQuota(draft, billingPeriod, { sessionCount: sessionCount - 1 });
  if (settledSeconds > 0) returnToHold(draft, record);
  changeRecord(draft, record, {
    status: 'reserved',
    startedAt: null,
    countedFrom: null,
    billingPeriod: quotaPeriod,
    heldSeconds: record.heldSeconds + settledSeconds,
    heldCost: record.heldCost + settledCost,
    settledSeconds: 0,
    settledCost: 0n,
    unseenSeconds: 0,
    lastHeartbeatAt: null,
    endingNotice: null,
    priceUntil: null,
    errorMessage,
    expiresAt: tokenExpiresAt(draft, tokenEndsAt),
  });
  publish(draft, quotaPeriod, 'token_created', record.id);
}

/** What was settled at the end of a month was not used. It is held again, in the month that now holds for the record. */
function returnToHold(draft: Draft, record: StoredRecord): void {
  const { billingPeriod, quotaPeriod, settledSeconds, settledCost } = record;
  const booking = { reason: 'never_started', actor: 'track_start' };
  book(draft, record, billingPeriod, {
    ...booking,
    kind: 'correct',
    usedSeconds: -settledSeconds,
    usedCost: -settledCost,
  });
  publish(draft, billingPeriod, 'corrected', record.id);
  book(draft, record, quotaPeriod, { ...booking, kind: 'hold', heldSeconds: settledSeconds, heldCost: settledCost });
}
