import type { Clock } from '../domain/clock.ts';
import type { DueWork, FailedStop, PendingStop } from '../domain/due-work.ts';
import { VendorFailure } from '../domain/errors.ts';
import type { QuotaStore } from '../domain/store.ts';
import type { AvatarVendor } from '../domain/vendor.ts';
import { storable } from './storable.ts';

/** A vendor that asks to be called again at once is given a breath. */
const SHORTEST_WAIT_SECONDS = 1;

interface DeliverStopsDeps {
  readonly work: DueWork;
  readonly store: Pick<QuotaStore, 'confirmStop'>;
  readonly vendor: AvatarVendor;
  /** Whether the vendor's own figures of ended sessions are read. */
  readonly expectsFigures: boolean;
  readonly clock: Clock;
}

/**
 * Tells the vendor to stop what we consider ended, until it confirms: only then what was held for it returns. A stop that fails
 * stays in the outbox and falls due again. Returns how many were tried: those that are due, or all that are pending. Each answer
 * is noted when it comes: a stop that hangs holds up no other.
 */
export async function deliverStops(deps: DeliverStopsDeps, which: 'due' | 'all', dueFrom?: Date): Promise<number> {
  const stops = await deps.work.claimStops(which, dueFrom);
  await Promise.all(stops.map((stop) => deliver(deps, stop)));
  return stops.length;
}

async function deliver({ work, store, vendor, expectsFigures, clock }: DeliverStopsDeps, stop: PendingStop) {
  const { recordId, userId } = stop;
  const isForgotten = vendor.remembersFrom !== null && stop.createdAt < vendor.remembersFrom;
  try {
    const word = await vendor.stop(stop.avatarSessionId, stop.reason);
    await store.confirmStop({ recordId, userId, word: isForgotten ? 'forgotten' : word, expectsFigures });
  } catch (error) {
    if (!(error instanceof VendorFailure)) throw error;
    await work.noteFailedStop(toFailedStop(recordId, error, clock()));
  }
}

function toFailedStop(recordId: string, { message, retryAfterSeconds }: VendorFailure, now: Date): FailedStop {
  if (retryAfterSeconds === null) return { recordId, error: storable(message), retryAt: null };
  const wait = Math.max(retryAfterSeconds, SHORTEST_WAIT_SECONDS);
  return { recordId, error: storable(message), retryAt: new Date(now.getTime() + wait * 1000) };
}
