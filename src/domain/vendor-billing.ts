import type { Micros } from './money.ts';
import { billedSeconds } from './price.ts';
import { costOfSeconds, type PriceStep, type Rounding } from './price-book.ts';
import type { VendorFigures } from './reconciliation.ts';
import type { Instant } from './state.ts';

const DECIMALS = 12;
const MINUTE = 60;

/**
 * How many seconds a vendor bills for a session: those that its credits pay for where it names them, else the rounded ones.
 * Negative where it gives back more than the session took. Credits are decimals, so that a third of a minute is a little short
 * of, or over, its seconds: the nearest one is meant.
 */
export function vendorBilledSeconds({ seconds, credits, creditsPerMinute }: VendorFigures, rounding: Rounding): number {
  const consumed = credits === null ? null : parseCredits(credits);
  if (consumed === 0n) return 0;
  const perMinute = creditsPerMinute === null ? 0n : parseCredits(creditsPerMinute);
  if (consumed === null || perMinute <= 0n) return billedSeconds(seconds, rounding);
  const size = consumed < 0n ? -consumed : consumed;
  const paidFor = Number((size * 120n + perMinute) / (perMinute * 2n));
  return consumed < 0n ? -paidFor : paidFor;
}

/** What a number of billed seconds cost from a moment on. Seconds that the vendor gives back are negative, and so is their cost. */
export function costOfBilled(list: readonly PriceStep[], at: Instant, billed: number): Micros {
  return billed < 0 ? -costOfSeconds(list, at, -billed) : costOfSeconds(list, at, billed);
}

/**
 * Whether the vendor charged less than the whole minutes of a session, so that it must have refunded a part. The last minute does
 * not count, because its rounding is undocumented.
 */
export function isRefunded(figures: VendorFigures, rounding: Rounding): boolean {
  if (figures.credits === null || Number(figures.creditsPerMinute ?? 0) <= 0) return false;
  const billed = vendorBilledSeconds(figures, rounding);
  return billed < 0 || billed < Math.floor(figures.seconds / MINUTE) * MINUTE;
}

/** Whether the vendor shows any use. An entry without seconds and credits is a token that has not been started. */
export function hasRun({ seconds, credits }: Pick<VendorFigures, 'seconds' | 'credits'>): boolean {
  return seconds > 0 || Number(credits ?? 0) > 0;
}

/** Whether two decimals in a vendor's credits are the same amount. */
export function isSameCredits(one: string | null, other: string | null): boolean {
  if (one === null || other === null) return one === other;
  return parseCredits(one) === parseCredits(other);
}

/** Reads a vendor's decimal string as an integer of 10⁻¹² credits; further decimals are cut off. */
function parseCredits(text: string): bigint {
  const [, sign, whole = '0', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  const digits = BigInt(whole + fraction.slice(0, DECIMALS).padEnd(DECIMALS, '0'));
  return sign === '-' ? -digits : digits;
}
