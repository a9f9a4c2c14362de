import type { Caller } from '../domain/caller.ts';
import type { AppDeps } from './deps.ts';
import { openSession, type SessionEnded, type SessionNotFound, type TrackedSession } from './track-outcome.ts';

export interface TrackHeartbeatInput {
  readonly avatarSessionId: string;
  /** Totals since the start of the session; null leaves them as they are. */
  readonly wordsSpoken: number | null;
  readonly messagesCount: number | null;
}

/**
 * Notes that a running session is alive. Once one has come, their absence ends the session.
 *
 * The vendor is told as well, where it ends idle sessions; nobody waits for its answer.
 */
export async function trackHeartbeat(
  { store, vendor, onBackgroundError }: AppDeps,
  caller: Pick<Caller, 'userId'>,
  input: TrackHeartbeatInput,
): Promise<TrackedSession | SessionNotFound | SessionEnded> {
  const outcome = await store.heartbeat({ userId: caller.userId, ...input });
  if (outcome.outcome === 'alive' && vendor.capabilities.keepAlive) {
    vendor.keepAlive(input.avatarSessionId).catch(onBackgroundError);
  }
  return openSession(outcome);
}
