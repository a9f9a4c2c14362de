import type { Caller } from '../domain/caller.ts';
import type { AppDeps } from './deps.ts';
import type { TrackHeartbeatInput } from './track-heartbeat.ts';
import { SESSION_NOT_FOUND, type SessionNotFound, type TrackedSession, tracked } from './track-outcome.ts';

export interface TrackEndInput extends TrackHeartbeatInput {
  /** What went wrong in the client, if that is why the session ends. An empty message is none. */
  readonly errorMessage: string | null;
}

/**
 * Settles a session by the server's clock and returns the unused hold. The vendor is asked to stop as well.
 *
 * Ending an ended session again takes late totals and changes no money.
 */
export async function trackEnd(
  { store }: AppDeps,
  caller: Caller,
  input: TrackEndInput,
): Promise<TrackedSession | SessionNotFound> {
  const { saved } = await store.end({
    userId: caller.userId,
    ...input,
    errorMessage: input.errorMessage || null,
  });
  return saved === null ? SESSION_NOT_FOUND : tracked(saved);
}
