import type { Clock } from '../domain/clock.ts';
import { type Micros, parseMoney } from '../domain/money.ts';
import type { AvatarVendor } from '../domain/vendor.ts';

/** The vendor's credits, as last heard. */
export interface VendorBalance {
  /**
   * Whether the credits, as far as they are known, cover a session of the mode. Unknown, they do: then the vendor decides.
   *
   * Takes no longer than a look at what is known, unless that says no: then the vendor is asked once more.
   */
  covers(vendorMode: string, seconds: number): Promise<boolean>;
  /** Millionths of a credit; null while they are not known. */
  credits(): Micros | null;
}

interface VendorBalanceOptions {
  readonly vendor: AvatarVendor;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** What is known is used for so long; after that the vendor is asked again, beside the call that finds it old. */
const FRESH_MS = 30_000;
/** A balance that refuses is looked at again sooner: someone may have topped it up. */
const FRESH_REFUSAL_MS = 5_000;

/** Nothing is asked while nobody wants a token. */
export function createVendorBalance({ vendor, clock, onError }: VendorBalanceOptions): VendorBalance {
  let known: Micros | null = null;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | null = null;

  const age = () => clock().getTime() - askedAt;

  function ask(): Promise<void> {
    asking ??= vendor
      .balance()
      .then((credits) => {
        known = toMicros(credits);
      })
      .catch((error) => {
        // what was known may have been topped up since
        known = null;
        onError(error);
      })
      .finally(() => {
        askedAt = clock().getTime();
        asking = null;
      });
    return asking;
  }

  function isEnough(vendorMode: string, seconds: number): boolean {
    const perMinute = vendor.creditsPerMinute(vendorMode);
    if (known === null || perMinute === null) return true;
    return known >= parseMoney(perMinute) * BigInt(Math.ceil(seconds / 60));
  }

  return {
    async covers(vendorMode, seconds) {
      if (!vendor.capabilities.balance) return true;
      if (age() > FRESH_MS) void ask();
      if (isEnough(vendorMode, seconds)) return true;
      if (age() > FRESH_REFUSAL_MS) await ask();
      return isEnough(vendorMode, seconds);
    },
    credits: () => known,
  };
}

/** Vendors may write more decimals than count here. */
function toMicros(credits: string): Micros {
  return parseMoney(credits.replace(/(\.\d{6})\d+$/, '$1'));
}
