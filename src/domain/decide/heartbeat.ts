import { isOpen, type StoredRecord } from '../state.ts';
import type { HeartbeatRequest, RecordOutcome } from '../store.ts';
import { changeRecord, type Draft } from './draft.ts';
import { recordBySession } from './find-record.ts';

/** Notes that a running session is alive. A token that was not started is not found. */
export function heartbeat(draft: Draft, request: HeartbeatRequest): RecordOutcome<'alive' | 'ended'> {
  const record = recordBySession(draft, request.avatarSessionId);
  if (!record || record.status === 'reserved') return { outcome: 'not_found', recordId: null };
  if (!isOpen(record)) return { outcome: 'ended', recordId: record.id };
  changeRecord(draft, record, { lastHeartbeatAt: Math.max(draft.now, record.lastHeartbeatAt ?? 0) });
  noteTotals(draft, record, request);
  return { outcome: 'alive', recordId: record.id };
}

/** Takes over totals since the start. A total never shrinks, so calls in the wrong order do no harm. */
export function noteTotals(
  draft: Draft,
  record: StoredRecord,
  { wordsSpoken, messagesCount }: Pick<HeartbeatRequest, 'wordsSpoken' | 'messagesCount'>,
): void {
  const words = Math.max(record.wordsSpoken, wordsSpoken ?? 0);
  const messages = Math.max(record.messagesCount, messagesCount ?? 0);
  if (words === record.wordsSpoken && messages === record.messagesCount) return;
  changeRecord(draft, record, { wordsSpoken: words, messagesCount: messages });
}
