import type { Caller } from '../domain/caller.ts';
import type { AppDeps } from './deps.ts';
import { openSession, type SessionEnded, type SessionNotFound, type TrackedSession } from './track-outcome.ts';

export interface TrackHeartbeatInput {
  readonly avatarSessionId: string;
  /** Totals since the start of the session; null leaves them as they are. */
  readonly wordsSpoken: number | null;
  readonly messagesCount: number | null;
}

/** Notes that a running session is alive. Once one has come, their absence ends the session. */
export async function trackHeartbeat(
  { store }: AppDeps,
  caller: Caller,
  input: TrackHeartbeatInput,
): Promise<TrackedSession | SessionNotFound | SessionEnded> {
  return openSession(await store.heartbeat({ userId: caller.userId, ...input }));
}
