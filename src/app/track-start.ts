import type { Caller } from '../domain/caller.ts';
import type { AppDeps } from './deps.ts';
import { openSession, type SessionEnded, type SessionNotFound, type TrackedSession } from './track-outcome.ts';

export interface TrackStartInput {
  readonly sessionId: string;
  readonly avatarSessionId: string;
  readonly avatarName: string | null;
}

/**
 * Starts the clock of a session: the server's. Its deadline is now + the grant.
 *
 * Starting a running session again changes nothing. With `proxy` delivery, the start of the vendor's SDK starts a session.
 * A token whose time to live has passed has ended.
 */
export async function trackStart(
  { store, delivery }: AppDeps,
  caller: Caller,
  input: TrackStartInput,
): Promise<TrackedSession | SessionNotFound | SessionEnded> {
  const mustBeNamed = delivery === 'proxy';
  return openSession(await store.start({ userId: caller.userId, ...input, mustBeNamed, isReported: true }));
}
