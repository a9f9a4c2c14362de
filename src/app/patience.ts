import { VendorFailure } from '../domain/errors.ts';
import type { Patience } from '../domain/vendor.ts';

/** Resolves after so many seconds; rejects with the signal's reason when it is aborted. */
export type Sleep = (seconds: number, signal: AbortSignal) => Promise<void>;

const SHORTEST_WAIT_SECONDS = 1;
const LONGEST_WAIT_SECONDS = 60;
/** For one call. A vendor that still refuses then is asked at the next run. */
const MAX_WAITS = 10;

/**
 * Waits as long as the vendor asks for, and calls again. Any other failure, and one that does not end, is the caller's.
 */
export function createPatience(sleep: Sleep, signal: AbortSignal): Patience {
  return async (call) => {
    for (let waits = 0; ; waits += 1) {
      signal.throwIfAborted();
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof VendorFailure) || error.kind !== 'rate_limited' || waits === MAX_WAITS) throw error;
        const asked = error.retryAfterSeconds ?? SHORTEST_WAIT_SECONDS;
        await sleep(Math.min(Math.max(asked, SHORTEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS), signal);
      }
    }
  };
}
