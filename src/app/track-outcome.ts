import type { RecordOutcome } from '../domain/store.ts';

export interface TrackedSession {
  readonly type: 'tracked';
  readonly recordId: string;
}

/** The caller has no such session; somebody else's is answered alike. */
export interface SessionNotFound {
  readonly type: 'session_not_found';
  readonly code: 'SESSION_NOT_FOUND';
  readonly message: string;
}

export interface SessionEnded {
  readonly type: 'session_ended';
  readonly code: 'SESSION_ENDED';
  readonly message: string;
  readonly recordId: string;
}

export function tracked(recordId: string): TrackedSession {
  return { type: 'tracked', recordId };
}

export const SESSION_NOT_FOUND: SessionNotFound = {
  type: 'session_not_found',
  code: 'SESSION_NOT_FOUND',
  message: 'You have no such session. Use the ids that belong to a token of yours.',
};

/** What a call that needs an open session tells of the store's answer. */
export function openSession(outcome: RecordOutcome<string>): TrackedSession | SessionNotFound | SessionEnded {
  if (outcome.recordId === null) return SESSION_NOT_FOUND;
  if (outcome.outcome !== 'ended') return tracked(outcome.recordId);
  return {
    type: 'session_ended',
    code: 'SESSION_ENDED',
    message: 'This session is over. Ask for a new token.',
    recordId: outcome.recordId,
  };
}
