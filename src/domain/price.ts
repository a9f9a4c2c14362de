import type { Micros } from './money.ts';

const MS_PER_MINUTE = 60_000n;

/** What a vendor takes for its sessions. */
export interface Price {
  readonly perMinute: Micros;
  /** A session's seconds are rounded up to a multiple of this. */
  readonly billingStepSeconds: number;
  /** The least that is billed for a session. */
  readonly minimumSeconds: number;
}

/** The price of a vendor's mode from a moment on. */
export interface DatedPrice extends Price {
  readonly vendor: string;
  /** What the vendor bills by, such as `FULL`. */
  readonly vendorMode: string;
  /** ISO 4217. */
  readonly currency: string;
  readonly effectiveFrom: Date;
  /** The vendor's list price, which counts only where the operator has named none. */
  readonly isList: boolean;
}

/** How a running session costs: at one price from one of its seconds on; what those before cost is known. */
export interface PriceLine {
  readonly pricePerMinute: Micros;
  readonly pricedSeconds: number;
  readonly pricedCost: Micros;
}

/** The settled cost of whole seconds: seconds × price per minute ÷ 60, to the nearest millionth, halves up. */
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

/** What a running session has cost after a number of milliseconds along its line, rounded down to the millionth. */
export function costAlong(line: PriceLine, milliseconds: number): Micros {
  const atThisPrice = Math.max(milliseconds - line.pricedSeconds * 1000, 0);
  return line.pricedCost + runningCost(atThisPrice, line.pricePerMinute);
}

/** Seconds as the vendor bills them. None for a session of no length. */
export function billedSeconds(seconds: number, price: Omit<Price, 'perMinute'>): number {
  if (seconds === 0) return 0;
  return Math.max(Math.ceil(seconds / price.billingStepSeconds) * price.billingStepSeconds, price.minimumSeconds);
}
