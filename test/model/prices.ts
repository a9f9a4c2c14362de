import type { Instant } from './model.ts';

// What sessions cost in the model: docs/decisions/0013, without a look at the statements nor at the domain's arithmetic.

/** A price of one of the vendor's modes, as an operator enters it. */
export interface NewPrice {
  readonly mode: string;
  readonly effectiveFrom: Instant;
  /** Millionths a minute. */
  readonly perMinute: bigint;
  readonly step: number;
  readonly minimum: number;
}

/** A price that was entered. */
export interface ModelPrice extends NewPrice {
  /** Higher than that of every price entered before. */
  readonly revision: number;
}

/** How a vendor bills: at how much, by which step, and from which minimum on. */
export type Terms = Pick<NewPrice, 'perMinute' | 'step' | 'minimum'>;

/** The prices that can apply to a record, one after the other; the first without a beginning. */
export type PriceList = readonly Omit<NewPrice, 'mode'>[];

/** How a running session costs: at one price from one of its seconds on. */
export interface PriceLine {
  readonly perMinute: bigint;
  readonly pricedSeconds: number;
  /** What the seconds before cost. */
  readonly pricedCost: bigint;
  /** When the next price comes, as far as is known. */
  readonly until: Instant | null;
}

export function priceList(prices: readonly ModelPrice[], mode: string, fallback: bigint): PriceList {
  const list: Omit<NewPrice, 'mode'>[] = [
    { effectiveFrom: Number.NEGATIVE_INFINITY, perMinute: fallback, step: 1, minimum: 0 },
  ];
  for (const price of prices.filter((p) => p.mode === mode).sort((a, b) => a.effectiveFrom - b.effectiveFrom)) {
    const { perMinute, step, minimum } = list.at(-1) as NewPrice;
    const isUnchanged = price.perMinute === perMinute && price.step === step && price.minimum === minimum;
    if (!isUnchanged) list.push(price);
  }
  return list;
}

/** The prices with one more, which replaces one of the same moment. */
export function enter(prices: readonly ModelPrice[], price: NewPrice): ModelPrice[] {
  const others = prices.filter((p) => p.mode !== price.mode || p.effectiveFrom !== price.effectiveFrom);
  return [...others, { ...price, revision: 1 + Math.max(0, ...prices.map(({ revision }) => revision)) }];
}

/** The revision of the price of a mode that was entered last. Zero without one. */
export function revisionOf(prices: readonly ModelPrice[], mode: string): number {
  return Math.max(0, ...prices.filter((price) => price.mode === mode).map(({ revision }) => revision));
}

/** The price in force. */
export function priceAt(list: PriceList, at: Instant): Terms {
  const price = list.findLast(({ effectiveFrom }) => effectiveFrom <= at);
  if (!price) throw new Error('Before the first price there is none');
  return price;
}

/** Of price, step and minimum the highest each between two moments, both included. */
export function dearest(list: PriceList, from: Instant, until: Instant): Terms {
  const possible = list.filter(
    ({ effectiveFrom }, index) => effectiveFrom <= until && (list[index + 1]?.effectiveFrom ?? Infinity) > from,
  );
  return {
    perMinute: possible.reduce((most, { perMinute }) => (perMinute > most ? perMinute : most), 0n),
    step: Math.max(...possible.map(({ step }) => step)),
    minimum: Math.max(...possible.map(({ minimum }) => minimum)),
  };
}

/** Whole seconds from a moment on, each at the price in force when it began; rounded once for each price. */
export function costOf(list: PriceList, from: Instant, seconds: number): bigint {
  return list.reduce((total, { perMinute }, index) => {
    const begun = Math.min(beginsWith(list, index, from), seconds);
    const ended = Math.min(beginsWith(list, index + 1, from), seconds);
    return total + costAt(ended - begun, perMinute);
  }, 0n);
}

/** The line on which a session that is counted from a moment costs now. */
export function lineAt(list: PriceList, from: Instant, now: Instant): PriceLine {
  const begun = list.filter((_, index) => from + beginsWith(list, index, from) * 1000 <= Math.max(now, from));
  const pricedSeconds = beginsWith(list, begun.length - 1, from);
  const next = beginsWith(list, begun.length, from);
  return {
    perMinute: begun.at(-1)?.perMinute ?? 0n,
    pricedSeconds,
    pricedCost: costOf(list, from, pricedSeconds),
    until: next === Infinity ? null : from + next * 1000,
  };
}

/** The first second from a moment on that has a price of the list. */
function beginsWith(list: PriceList, index: number, from: Instant): number {
  const { effectiveFrom } = list[index] ?? { effectiveFrom: Infinity };
  return Math.max(Math.ceil((effectiveFrom - from) / 1000), 0);
}

/** To the nearest millionth, halves up. */
function costAt(seconds: number, perMinute: bigint): bigint {
  return (BigInt(seconds) * perMinute * 2n + 60n) / 120n;
}

/** As the vendor bills them: whole steps, and at least the minimum; nothing for nothing. */
export function billedSeconds(seconds: number, { step, minimum }: Omit<Terms, 'perMinute'>): number {
  return seconds === 0 ? 0 : Math.max(Math.ceil(seconds / step) * step, minimum);
}

/** What is held for seconds that come after others that are settled. */
export function holdCost(settled: number, seconds: number, terms: Terms): bigint {
  return seconds === 0 ? 0n : costAt(billedSeconds(settled + seconds, terms) - settled, terms.perMinute);
}

/** For how many seconds after those that are settled an amount can be held. Infinity where they are free. */
export function affordable(settled: number, amount: bigint, { perMinute, step, minimum }: Terms): number {
  if (perMinute === 0n) return Number.POSITIVE_INFINITY;
  const billable = settled + (amount > 0n ? Number((amount * 60n) / perMinute) : 0);
  return billable < minimum ? 0 : Math.max(billable - (billable % step) - settled, 0);
}
