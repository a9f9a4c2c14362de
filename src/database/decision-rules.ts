import type pg from 'pg';
import type { Rules } from '../domain/decide/draft.ts';
import { type BillingPeriod, periodAt, periodEnd, periodStart } from '../domain/period.ts';
import { heartbeatLapseSeconds, type QuotaPolicy } from '../domain/policy.ts';
import { createPriceBook, type PriceBook } from '../domain/price-book.ts';
import { everyThreshold } from '../domain/thresholds.ts';
import { readPrices } from './prices.ts';

/** What decisions go by, with the prices of a revision. */
export interface RulesFor {
  (priceRevision: number): Promise<Rules>;
  /** The prices of the revision that was asked for last. */
  prices(): Promise<PriceBook>;
}

/** The rules of the deployment. Prices are kept, and read again after a change of them. */
export function createRules(pool: pg.Pool, policy: QuotaPolicy): RulesFor {
  let kept: { readonly revision: number; readonly prices: PriceBook } | undefined;
  const fixed = {
    policy,
    thresholds: everyThreshold(policy.thresholds),
    lapseSeconds: heartbeatLapseSeconds(policy),
    ...calendarOf(policy.billingTimeZone),
  };
  const read = async () => createPriceBook(await readPrices(pool));
  const rulesFor = async (revision: number) => {
    if (kept?.revision !== revision) kept = { revision, prices: await read() };
    return { ...fixed, prices: kept.prices };
  };
  return Object.assign(rulesFor, { prices: async () => kept?.prices ?? read() });
}

/** The months of a time zone. Their bounds are kept: computing one takes longer than the rest of a decision. */
export function calendarOf(timeZone: string): Pick<Rules, 'periodOf' | 'startOf' | 'endOf'> {
  const starts = new Map<BillingPeriod, number>();
  const ends = new Map<BillingPeriod, number>();
  return {
    periodOf: (at) => periodAt(new Date(at), timeZone),
    startOf: (period) => keep(starts, period, () => periodStart(period, timeZone).getTime()),
    endOf: (period) => keep(ends, period, () => periodEnd(period, timeZone).getTime()),
  };
}

function keep(known: Map<BillingPeriod, number>, period: BillingPeriod, find: () => number): number {
  const instant = known.get(period) ?? find();
  known.set(period, instant);
  return instant;
}
