import type { Clock } from '../domain/clock.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import type { ProxyTokens, TokenDelivery } from '../domain/proxy-tokens.ts';
import type { QuotaStore } from '../domain/store.ts';
import type { AvatarVendor } from '../domain/vendor.ts';
import type { TokenSeal } from './token-seal.ts';
import type { VendorBalance } from './vendor-balance.ts';

/** What the use cases work with. */
export interface AppDeps {
  readonly store: QuotaStore;
  readonly vendor: AvatarVendor;
  readonly balance: VendorBalance;
  /** What `createToken` returns. Tokens of the other kind that were issued before stay valid. */
  readonly delivery: TokenDelivery;
  readonly proxyTokens: ProxyTokens;
  readonly policy: QuotaPolicy;
  readonly clock: Clock;
  /** Resolves after so many milliseconds. */
  readonly pause: (milliseconds: number) => Promise<void>;
  /** Encrypts tokens that may be handed out again. */
  readonly seal: TokenSeal;
  /** Hears of what failed beside a call that succeeded. */
  readonly onBackgroundError: (error: unknown) => void;
}
