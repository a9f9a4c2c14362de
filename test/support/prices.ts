import { enterPrice as enter } from '../../src/database/prices.ts';
import { parseMoney } from '../../src/domain/money.ts';
import type { TestStore } from './store.ts';

interface PriceOptions {
  /** @default 'FULL' */
  readonly mode?: string;
  /** @default the first moment of the year 2000 */
  readonly from?: string;
  /** Seconds. @default 1 */
  readonly step?: number;
  /** Seconds. @default 0 */
  readonly minimum?: number;
}

/** Enters a price of the simulated vendor; resolves with how many open records follow. */
export function enterPrice({ pool, policy }: TestStore, perMinute: string, options: PriceOptions = {}) {
  const price = {
    vendor: 'simulator',
    vendorMode: options.mode ?? 'FULL',
    currency: policy.currency,
    effectiveFrom: new Date(options.from ?? '2000-01-01T00:00:00Z'),
    perMinute: parseMoney(perMinute),
    billingStepSeconds: options.step ?? 1,
    minimumSeconds: options.minimum ?? 0,
  };
  return enter(pool, price);
}
