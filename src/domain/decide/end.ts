import { isOpen } from '../state.ts';
import type { CloseRequest, EndRequest, FailedStart, RecordOutcome } from '../store.ts';
import { closeNow, closeRecord } from './close-record.ts';
import type { Draft } from './draft.ts';
import { recordById, recordBySession } from './find-record.ts';
import { noteTotals } from './heartbeat.ts';
import { forgetStart } from './start.ts';

/**
 * The user's own end of a session, or of a token that was never started. A record that has ended takes over the totals and
 * changes no money.
 */
export function end(draft: Draft, request: EndRequest): RecordOutcome<'ended' | 'already_ended'> {
  const record = recordBySession(draft, request.avatarSessionId);
  if (!record) return { outcome: 'not_found', recordId: null };
  const wasOpen = isOpen(record);
  noteTotals(draft, record, request);
  closeNow(draft, record, {
    reason: request.errorMessage === null ? 'user_ended' : 'client_error',
    errorMessage: request.errorMessage,
    actor: 'track_end',
  });
  return { outcome: wasOpen ? 'ended' : 'already_ended', recordId: record.id };
}

/** Ends a record for a reason of the service's own. */
export function close(draft: Draft, { recordId, reason, errorMessage }: CloseRequest): undefined {
  const record = recordById(draft, recordId);
  if (record) closeNow(draft, record, { reason, errorMessage, actor: 'service' });
}

/**
 * The vendor has not started a session: it ran for no time. Where the vendor's token is in the user's hands, that says nothing
 * about the next attempt: the token is unused again, and its hold stays. A session that has ended stays as it is.
 */
export function failStart(draft: Draft, { recordId, errorMessage, isFinal }: FailedStart): undefined {
  const record = recordById(draft, recordId);
  if (record?.status !== 'active' || record.startedAt === null) return;
  const { startedAt, tokenEndsAt } = record;
  if (tokenEndsAt === null) {
    closeRecord(draft, record, { reason: 'vendor_error', endedAt: startedAt, errorMessage, actor: 'track_start' });
    return;
  }
  forgetStart(draft, record, errorMessage);
  if (isFinal) closeNow(draft, record, { reason: 'vendor_error', errorMessage, actor: 'track_start' });
}
