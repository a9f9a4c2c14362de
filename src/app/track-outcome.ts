import type { Saved, SavedOutcome } from '../domain/store.ts';

export interface TrackedSession {
  readonly type: 'tracked';
  readonly saved: Saved;
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
  readonly saved: Saved;
}

export function tracked(saved: Saved): TrackedSession {
  return { type: 'tracked', saved };
}

export const SESSION_NOT_FOUND: SessionNotFound = {
  type: 'session_not_found',
  code: 'SESSION_NOT_FOUND',
  message: 'You have no session with these IDs. Use the IDs of a token that was issued to you.',
};

/** The outcome of a call that needs an open session. */
export function openSession({ outcome, saved }: SavedOutcome<string>): TrackedSession | SessionNotFound | SessionEnded {
  if (saved === null) return SESSION_NOT_FOUND;
  if (outcome !== 'ended') return tracked(saved);
  return {
    type: 'session_ended',
    code: 'SESSION_ENDED',
    message: 'This session has ended. Request a new token.',
    saved,
  };
}
