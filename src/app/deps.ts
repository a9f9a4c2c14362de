import type { Clock } from '../domain/clock.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import type { QuotaStore } from '../domain/store.ts';
import type { AvatarVendor } from '../domain/vendor.ts';

/** What the use cases work with. */
export interface AppDeps {
  readonly store: QuotaStore;
  readonly vendor: AvatarVendor;
  readonly policy: QuotaPolicy;
  readonly clock: Clock;
  /** Hears of what failed beside a call that succeeded. */
  readonly onBackgroundError: (error: unknown) => void;
}
