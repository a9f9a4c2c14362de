import type { Caller } from '../domain/caller.ts';
import { VendorFailure } from '../domain/errors.ts';
import type { AppDeps } from './deps.ts';
import { openSession, type SessionEnded, type SessionNotFound, type TrackedSession } from './track-outcome.ts';

export interface TrackHeartbeatInput {
  readonly avatarSessionId: string;
  /** Totals since the start of the session; null leaves them as they are. */
  readonly wordsSpoken: number | null;
  readonly messagesCount: number | null;
}

/**
 * Records that a running session is alive. After the first heartbeat, missing ones end the session.
 *
 * Where the vendor ends idle sessions, its keep-alive is called in addition, without waiting for the answer.
 */
export async function trackHeartbeat(
  { store, vendor, onBackgroundError }: AppDeps,
  caller: Pick<Caller, 'userId'>,
  input: TrackHeartbeatInput,
): Promise<TrackedSession | SessionNotFound | SessionEnded> {
  const outcome = await store.heartbeat({ userId: caller.userId, ...input });
  if (outcome.outcome === 'alive' && vendor.capabilities.keepAlive) {
    vendor.keepAlive(input.avatarSessionId).catch((error: unknown) => {
      // A session that does not run at the vendor needs no keep-alive. The reconciler ends it.
      if (!(error instanceof VendorFailure && error.kind === 'gone')) onBackgroundError(error);
    });
  }
  return openSession(outcome);
}
