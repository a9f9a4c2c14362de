import type { BillingPeriod } from '../period.ts';

const VERSIONS_PER_MONTH = 1_000_000;
/** From 2178-11 on, a month's first version would not fit into PostgreSQL's integer: it grows no further. */
const LAST_MONTH_NUMBER = 2146;

/** The version that a month's quota begins with: higher than all versions of the months before. */
export function firstVersion(period: BillingPeriod): number {
  const year = Number(period.slice(0, 4));
  const month = Number(period.slice(-2));
  return Math.min((year - 2000) * 12 + month, LAST_MONTH_NUMBER) * VERSIONS_PER_MONTH;
}
