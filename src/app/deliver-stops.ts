import type { Clock } from '../domain/clock.ts';
import type { DueWork, PendingStop, StopAnswer } from '../domain/due-work.ts';
import { VendorFailure } from '../domain/errors.ts';
import type { AvatarVendor } from '../domain/vendor.ts';
import { storable } from './storable.ts';

/** A vendor that asks to be called again at once is given a breath. */
const SHORTEST_WAIT_SECONDS = 1;

interface DeliverStopsDeps {
  readonly work: DueWork;
  readonly vendor: AvatarVendor;
  readonly clock: Clock;
}

/**
 * Tells the vendor to stop what we consider ended, until it confirms. A stop that fails stays in the outbox and falls
 * due again. Returns how many were tried: those that are due, or all that are pending. Each answer is noted when it
 * comes: a stop that hangs holds up no other.
 */
export async function deliverStops(
  { work, vendor, clock }: DeliverStopsDeps,
  which: 'due' | 'all',
  dueFrom?: Date,
): Promise<number> {
  const stops = await work.claimStops(which, dueFrom);
  await Promise.all(stops.map(async (stop) => work.noteStops([await deliver(stop, vendor, clock)])));
  return stops.length;
}

async function deliver(stop: PendingStop, vendor: AvatarVendor, clock: Clock): Promise<StopAnswer> {
  const { recordId } = stop;
  try {
    await vendor.stop(stop.avatarSessionId, stop.reason);
    return { recordId, error: null, retryAt: null };
  } catch (error) {
    const asked = error instanceof VendorFailure ? error.retryAfterSeconds : null;
    const wait = asked === null ? null : Math.max(asked, SHORTEST_WAIT_SECONDS);
    return {
      recordId,
      error: storable(error instanceof Error ? error.message : String(error)),
      retryAt: wait === null ? null : new Date(clock().getTime() + wait * 1000),
    };
  }
}
