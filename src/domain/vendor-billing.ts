import { billedSeconds } from './price.ts';
import type { Rounding } from './price-book.ts';
import type { VendorFigures } from './reconciliation.ts';

const DECIMALS = 12;

/**
 * How many seconds a vendor bills for a session: those that its credits pay for where it names them, else the rounded ones.
 * Credits are decimals, so that a third of a minute is a little short of, or over, its seconds: the nearest one is meant.
 */
export function vendorBilledSeconds({ seconds, credits, creditsPerMinute }: VendorFigures, rounding: Rounding): number {
  const consumed = credits === null ? null : parseCredits(credits);
  if (consumed === 0n) return 0;
  const perMinute = creditsPerMinute === null ? 0n : parseCredits(creditsPerMinute);
  if (consumed === null || perMinute <= 0n) return billedSeconds(seconds, rounding);
  return Number((consumed * 120n + perMinute) / (perMinute * 2n));
}

/** Reads a vendor's decimal string as an integer of 10⁻¹² credits; further decimals are cut off. */
function parseCredits(text: string): bigint {
  const [, sign, whole = '0', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  const digits = BigInt(whole + fraction.slice(0, DECIMALS).padEnd(DECIMALS, '0'));
  return sign === '-' ? -digits : digits;
}
