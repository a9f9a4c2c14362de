import type { RecordOutcome } from '../domain/store.ts';

export interface TrackedSession {
  readonly type: 'tracked';
  readonly recordId: string;
}

/** The caller has no such session. Another user's session gets the same answer. */
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
  message: 'You have no session with these IDs. Use the IDs of a token that was issued to you.',
};

/** The outcome of a call that needs an open session. */
export function openSession(outcome: RecordOutcome<string>): TrackedSession | SessionNotFound | SessionEnded {
  if (outcome.recordId === null) return SESSION_NOT_FOUND;
  if (outcome.outcome !== 'ended') return tracked(outcome.recordId);
  return {
    type: 'session_ended',
    code: 'SESSION_ENDED',
    message: 'This session has ended. Request a new token.',
    recordId: outcome.recordId,
  };
}
