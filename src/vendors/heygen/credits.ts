import { formatMoney } from '../../domain/money.ts';

/** The one mode that there is. */
export const INTERACTIVE = 'INTERACTIVE';

/** HeyGen's API reference, limits: an active streaming session. */
const CREDITS_PER_MINUTE = '0.2';

/** The balance is given in sixtieths of a credit (HeyGen's API reference, get-remaining-quota-v2). */
const QUOTA_PER_CREDIT = 60n;

/** Credits a minute, a decimal string; null for a mode that is not known. */
export function creditsPerMinute(mode: string): string | null {
  return mode === INTERACTIVE ? CREDITS_PER_MINUTE : null;
}

/** Credits as a decimal string, rounded down to the millionth, from the vendor's quota, a JSON number. */
export function creditsOfQuota(quota: number): string {
  return formatMoney(BigInt(Math.round(quota * 1_000_000)) / QUOTA_PER_CREDIT);
}
