import type { Micros } from './money.ts';

const MS_PER_MINUTE = 60_000n;

/**
 * The settled cost of whole seconds: seconds × price per minute ÷ 60, to the nearest millionth, halves up.
 *
 * The database's session_cost does the same.
 */
export function sessionCost(seconds: number, pricePerMinute: Micros): Micros {
  return (BigInt(seconds) * pricePerMinute + 30n) / 60n;
}

/**
 * What a running session has cost after a number of milliseconds, rounded down to the millionth: never more than what
 * is held, nor than what will be settled.
 */
export function runningCost(milliseconds: number, pricePerMinute: Micros): Micros {
  return (BigInt(milliseconds) * pricePerMinute) / MS_PER_MINUTE;
}

/** How many whole seconds an amount pays for. Infinity for a free avatar. */
export function affordableSeconds(amount: Micros, pricePerMinute: Micros): number {
  if (pricePerMinute === 0n) return Number.POSITIVE_INFINITY;
  return amount <= 0n ? 0 : Number((amount * 60n) / pricePerMinute);
}
