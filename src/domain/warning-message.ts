import { formatMoney, type Micros } from './money.ts';
import { type QuotaLimit, type QuotaState, usedCost, usedMilliseconds } from './quota.ts';

const MS_PER_MINUTE = 60_000n;

/** A cent in millionths of a unit of currency. Amounts are shown with two to six decimals. */
const CENT = 10_000n;

/** The sentence that a warning shows to the user, such as "You have used 48 of 60 minutes this month." */
export function warningMessage(
  state: QuotaState,
  limit: QuotaLimit,
  thresholdPercent: number,
  at: Date,
  currency: string,
): string {
  return limit === 'minutes'
    ? minutesMessage(state.limitMinutes, BigInt(usedMilliseconds(state, at)), thresholdPercent)
    : costMessage(state.limitCost, usedCost(state, at), thresholdPercent, currency);
}

function minutesMessage(limitMinutes: number, usedMs: bigint, thresholdPercent: number): string {
  const limit = BigInt(limitMinutes) * MS_PER_MINUTE;
  const shown = roundDown(usedMs, limit, thresholdPercent, [MS_PER_MINUTE, MS_PER_MINUTE / 10n, MS_PER_MINUTE / 100n]);
  const used = String(Number(shown) / Number(MS_PER_MINUTE));
  if (limitMinutes > 0) return `You have used ${used} of ${minutes(String(limitMinutes))} this month.`;
  return shown === 0n
    ? 'Your plan includes no minutes this month.'
    : `You have used ${minutes(used)} this month. Your plan includes no minutes.`;
}

function minutes(count: string): string {
  return count === '1' ? '1 minute' : `${count} minutes`;
}

function costMessage(limit: Micros, used: Micros, thresholdPercent: number, currency: string): string {
  const shown = roundDown(used, limit, thresholdPercent, [CENT, CENT / 10n, CENT / 100n, CENT / 1000n, 1n]);
  if (limit > 0n) return `You have used ${formatMoney(shown)} of ${formatMoney(limit)} ${currency} this month.`;
  return shown === 0n
    ? 'Your plan includes no budget this month.'
    : `You have used ${formatMoney(shown)} ${currency} this month. Your plan includes no budget.`;
}

/**
 * Cuts an amount to the coarsest of the steps at which it still shows that the threshold has been crossed: at 80%, 1.6 of
 * 2 minutes and not 1 of 2. It is never rounded up: that would show a threshold before its time.
 */
function roundDown(used: bigint, limit: bigint, thresholdPercent: number, steps: readonly bigint[]): bigint {
  const cut = (step: bigint) => used - (used % step);
  const step = steps.find((candidate) => cut(candidate) * 100n >= limit * BigInt(thresholdPercent));
  return cut(step ?? steps.at(-1) ?? 1n);
}
