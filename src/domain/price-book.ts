import type { Micros } from './money.ts';
import type { QuotaPolicy } from './policy.ts';
import { affordableSeconds, billedSeconds, type DatedPrice, type Price, sessionCost } from './price.ts';
import type { Instant, StoredRecord } from './state.ts';
import type { Wish } from './store.ts';

/** One price of a vendor's mode, from one moment until another. The first begins, and the last ends, at infinity. */
export interface PriceStep extends Price {
  readonly startsAt: Instant;
  readonly endsAt: Instant;
}

/** What decides which prices a record has. */
export type PricedAs = Pick<StoredRecord, 'vendor' | 'vendorMode' | 'currency' | 'fallbackPrice'>;

/** The rounding that a vendor bills by. */
export type Rounding = Omit<Price, 'perMinute'>;

/** Every dated price, as of one moment. */
export interface PriceBook {
  /** Grows with every change of the prices that can apply to a record. */
  revisionFor(record: Omit<PricedAs, 'fallbackPrice'>): number;
  /** The prices of a record, one after the other without a gap. */
  listFor(record: PricedAs): readonly PriceStep[];
  /**
   * The price per minute where no dated price applies: the one of the settings, if it was set there or the vendor has no list
   * price. Otherwise null, which stands for the list price.
   */
  fallbackFor(record: Omit<PricedAs, 'fallbackPrice'>, pricePerMinute: Micros, isSet: boolean): Micros | null;
}

/** A dated price as it is stored. Its revision grows with every change of it. */
export interface StoredPrice extends DatedPrice {
  readonly revision: number;
}

export function createPriceBook(prices: readonly StoredPrice[]): PriceBook {
  const lists = new Map<string, readonly PriceStep[]>();
  const matching = ({ vendor, vendorMode, currency }: Omit<PricedAs, 'fallbackPrice'>) =>
    prices.filter((price) => price.vendor === vendor && price.vendorMode === vendorMode && price.currency === currency);
  return {
    revisionFor: (record) => matching(record).reduce((sum, { revision }) => sum + revision, 0),
    listFor(record) {
      const key = `${record.vendor} ${record.vendorMode} ${record.currency} ${record.fallbackPrice}`;
      const known = lists.get(key);
      if (known) return known;
      const list = priceSteps(matching(record), record.fallbackPrice);
      lists.set(key, list);
      return list;
    },
    fallbackFor: (record, pricePerMinute, isSet) =>
      isSet || !matching(record).some(({ isList }) => isList) ? pricePerMinute : null,
  };
}

/** What decides the prices of a new record, for a vendor's mode and the price per minute of the settings. */
export function pricedAs(
  prices: PriceBook,
  { currency, priceIsSet }: Pick<QuotaPolicy, 'currency' | 'priceIsSet'>,
  { vendor, vendorMode, pricePerMinute }: Pick<Wish, 'vendor' | 'vendorMode' | 'pricePerMinute'>,
): PricedAs {
  const key = { vendor, vendorMode, currency };
  return { ...key, fallbackPrice: prices.fallbackFor(key, pricePerMinute, priceIsSet) };
}

/**
 * Dated prices after the fallback. A list price applies only where there is no fallback. Consecutive equal prices are one
 * step, since each step is rounded by itself.
 */
function priceSteps(prices: readonly DatedPrice[], fallbackPrice: Micros | null): PriceStep[] {
  const dated = prices
    .filter(({ isList }) => fallbackPrice === null || !isList)
    .map(({ effectiveFrom, ...price }) => ({ ...price, startsAt: effectiveFrom.getTime() }))
    .sort((a, b) => a.startsAt - b.startsAt);
  const fallback = { perMinute: fallbackPrice ?? 0n, billingStepSeconds: 1, minimumSeconds: 0 };
  const all = fallbackPrice === null ? dated : [{ ...fallback, startsAt: Number.NEGATIVE_INFINITY }, ...dated];
  const changes = all.filter((price, index) => !isSamePrice(price, all[index - 1]));
  return changes.map(({ perMinute, billingStepSeconds, minimumSeconds, startsAt }, index) => ({
    perMinute,
    billingStepSeconds,
    minimumSeconds,
    startsAt,
    endsAt: changes[index + 1]?.startsAt ?? Number.POSITIVE_INFINITY,
  }));
}

function isSamePrice(price: Price, other: Price | undefined): boolean {
  return (
    price.perMinute === other?.perMinute &&
    price.billingStepSeconds === other.billingStepSeconds &&
    price.minimumSeconds === other.minimumSeconds
  );
}

/**
 * The first second, counted from a moment, that does not begin before another moment: one price ends with it, the next
 * begins. A price that takes effect in the middle of a second applies from the following one.
 */
function firstSecond(from: Instant, at: Instant): number {
  return Math.ceil((at - from) / 1000);
}

/** The cost of whole seconds from a moment on: each has the price in force at its start. */
export function costOfSeconds(list: readonly PriceStep[], from: Instant, seconds: number): Micros {
  let cost = 0n;
  for (const { startsAt, endsAt, perMinute } of list) {
    const first = Math.max(firstSecond(from, startsAt), 0);
    const last = Math.min(firstSecond(from, endsAt), seconds);
    if (last > first) cost += sessionCost(last - first, perMinute);
  }
  return cost;
}

/** The price in force at a moment. */
export function priceAt(list: readonly PriceStep[], at: Instant): PriceStep {
  const step = list.find(({ startsAt, endsAt }) => startsAt <= at && at < endsAt);
  if (!step) throw new RangeError(`No price is in force at ${new Date(at).toISOString()}`);
  return step;
}

/** The dearest that can apply between two moments: of price, step and minimum the highest each. */
export function dearestPrice(list: readonly PriceStep[], from: Instant, until: Instant): Price {
  const possible = list.filter(({ startsAt, endsAt }) => endsAt > from && startsAt <= until);
  return {
    perMinute: possible.reduce((most, { perMinute }) => (perMinute > most ? perMinute : most), 0n),
    billingStepSeconds: Math.max(1, ...possible.map(({ billingStepSeconds }) => billingStepSeconds)),
    minimumSeconds: Math.max(0, ...possible.map(({ minimumSeconds }) => minimumSeconds)),
  };
}

/** The dearest that can apply to an open record. How a running session is rounded was settled at its start. */
export function dearestFor(record: StoredRecord, list: readonly PriceStep[], from: Instant, until: Instant): Price {
  const { perMinute, ...rounding } = dearestPrice(list, from, until);
  const { billingStepSeconds, minimumSeconds } = record.status === 'active' ? record : rounding;
  return { perMinute, billingStepSeconds, minimumSeconds };
}

/** What is held for a number of seconds more, of a session of which some are settled: as the vendor will bill them. */
export function holdCost(settledSeconds: number, seconds: number, price: Price): Micros {
  if (seconds <= 0) return 0n;
  return sessionCost(billedSeconds(settledSeconds + seconds, price) - settledSeconds, price.perMinute);
}

/** For how many seconds more an amount covers what is held for them. Infinity where they are free. */
export function affordableHold(settledSeconds: number, amount: Micros, price: Price): number {
  const seconds = affordableSeconds(amount, price.perMinute) + settledSeconds;
  if (seconds === Number.POSITIVE_INFINITY) return seconds;
  if (seconds < price.minimumSeconds) return 0;
  return Math.max(seconds - (seconds % price.billingStepSeconds) - settledSeconds, 0);
}

/**
 * The part of a session's cost that is not settled yet, if it ran for a number of seconds in all and has ended. Negative if
 * more was settled than it cost.
 */
export function unsettledCost(record: StoredRecord, list: readonly PriceStep[], totalSeconds: number): Micros {
  if (record.startedAt === null || record.countedFrom === null) return 0n;
  const billed = billedSeconds(totalSeconds, record);
  return totalSeconds >= record.settledSeconds
    ? costOfSeconds(list, record.countedFrom, billed - record.settledSeconds)
    : costOfSeconds(list, record.startedAt, billed) - record.settledCost;
}

/** How a running session goes on: its price, since which of its seconds, the cost of those before, and until when. */
export interface CurrentPrice extends Rounding {
  readonly pricePerMinute: Micros;
  readonly pricedSeconds: number;
  readonly pricedCost: Micros;
  readonly priceUntil: Instant | null;
}

export function currentPrice(list: readonly PriceStep[], countedFrom: Instant, now: Instant): CurrentPrice {
  const latest = list
    .map((step) => ({ step, begins: Math.max(firstSecond(countedFrom, step.startsAt), 0) }))
    .findLast(({ begins }) => countedFrom + begins * 1000 <= Math.max(now, countedFrom));
  if (!latest) throw new RangeError('No price is in force');
  const { step, begins } = latest;
  return {
    pricePerMinute: step.perMinute,
    billingStepSeconds: step.billingStepSeconds,
    minimumSeconds: step.minimumSeconds,
    pricedSeconds: begins,
    pricedCost: costOfSeconds(list, countedFrom, begins),
    priceUntil:
      step.endsAt === Number.POSITIVE_INFINITY ? null : countedFrom + firstSecond(countedFrom, step.endsAt) * 1000,
  };
}
