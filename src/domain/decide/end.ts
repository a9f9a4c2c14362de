import { isOpen } from '../state.ts';
import type { CloseRequest, EndRequest, FailedStart, RecordOutcome } from '../store.ts';
import { closeNow, closeRecord } from './close-record.ts';
import type { Draft } from './draft.ts';
import { recordById, recordBySession } from './find-record.ts';
import { noteTotals } from './heartbeat.ts';

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

/** Ends a session that the vendor did not start: it ran for no time. A session that has ended stays as it is. */
export function failStart(draft: Draft, { recordId, errorMessage }: FailedStart): undefined {
  const record = recordById(draft, recordId);
  if (record?.status !== 'active' || record.startedAt === null) return;
  closeRecord(draft, record, { reason: 'vendor_error', endedAt: record.startedAt, errorMessage, actor: 'track_start' });
}
