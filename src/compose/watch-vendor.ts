import type { Logger } from 'pino';
import type { Clock } from '../domain/clock.ts';
import { VendorFailure } from '../domain/errors.ts';
import type { AvatarVendor } from '../domain/vendor.ts';
import { createOutageLog } from '../server/outage-log.ts';

/** A vendor that fails some calls and answers others stays in one outage. */
const SETTLE_SECONDS = 10;

/** Whether the vendor gave no answer that can be used. */
export function isVendorOutage(error: unknown): boolean {
  return error instanceof VendorFailure && error.kind === 'unavailable';
}

/** The same vendor, whose outages are logged. Nothing is asked of it for that: its calls show how it does. */
export function watchVendor(vendor: AvatarVendor, clock: Clock, log: Logger): AvatarVendor {
  const outage = createOutageLog({
    messages: {
      begun: 'Vendor unavailable',
      lasting: 'Vendor still unavailable',
      ended: 'Vendor available again',
    },
    settleSeconds: SETTLE_SECONDS,
    clock,
    log,
  });

  function note(error: unknown): void {
    if (isVendorOutage(error)) outage.failed(error);
    else outage.recovered();
  }

  function watched<Args extends unknown[], Answer>(call: (...args: Args) => Promise<Answer>) {
    return async (...args: Args): Promise<Answer> => {
      try {
        const answer = await call(...args);
        outage.recovered();
        return answer;
      } catch (error) {
        note(error);
        throw error;
      }
    };
  }

  function watchedList<Args extends unknown[], Item>(list: (...args: Args) => AsyncIterable<Item>) {
    return async function* (...args: Args): AsyncIterable<Item> {
      try {
        yield* list(...args);
        outage.recovered();
      } catch (error) {
        note(error);
        throw error;
      }
    };
  }

  return {
    ...vendor,
    mint: watched(vendor.mint),
    stop: watched(vendor.stop),
    keepAlive: watched(vendor.keepAlive),
    get: watched(vendor.get),
    balance: watched(vendor.balance),
    listActive: watchedList(vendor.listActive),
    listEnded: watchedList(vendor.listEnded),
  };
}
