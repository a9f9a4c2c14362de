import type { Clock } from '../domain/clock.ts';
import type { DueWork, PendingStop, StopAnswer } from '../domain/due-work.ts';
import { VendorFailure } from '../domain/errors.ts';
import type { AvatarVendor } from '../domain/vendor.ts';

interface DeliverStopsDeps {
  readonly work: DueWork;
  readonly vendor: AvatarVendor;
  readonly clock: Clock;
}

/**
 * Tells the vendor to stop what we consider ended, until it confirms. A stop that fails stays in the outbox and falls
 * due again. Returns how many were tried.
 */
export async function deliverStops({ work, vendor, clock }: DeliverStopsDeps): Promise<number> {
  const stops = await work.claimStops();
  if (stops.length > 0) await work.noteStops(await Promise.all(stops.map((stop) => deliver(stop, vendor, clock))));
  return stops.length;
}

async function deliver(stop: PendingStop, vendor: AvatarVendor, clock: Clock): Promise<StopAnswer> {
  const { recordId } = stop;
  try {
    await vendor.stop(stop.avatarSessionId, stop.reason);
    return { recordId, error: null, retryAt: null };
  } catch (error) {
    const wait = error instanceof VendorFailure ? error.retryAfterSeconds : null;
    return {
      recordId,
      error: error instanceof Error ? error.message : String(error),
      retryAt: wait === null ? null : new Date(clock().getTime() + wait * 1000),
    };
  }
}
