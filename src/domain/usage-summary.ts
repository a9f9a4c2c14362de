import type { Micros } from './money.ts';
import type { BillingPeriod } from './period.ts';

/** Use within one group of sessions. Running sessions count up to now. */
export interface UsageTotals {
  readonly sessionCount: number;
  readonly totalSeconds: number;
  readonly totalCost: Micros;
}

/** Totals and breakdowns of a user's use in one period. */
export interface UsageSummary extends UsageTotals {
  readonly period: BillingPeriod;
  readonly completedCount: number;
  readonly errorCount: number;
  readonly wordsSpoken: number;
  readonly messagesCount: number;
  /** By total cost, the dearest first. */
  readonly byAvatar: readonly (UsageTotals & { readonly avatarName: string })[];
  /** By day of the session's start in the billing time zone, `YYYY-MM-DD`, ascending. */
  readonly byDay: readonly (UsageTotals & { readonly date: string })[];
}

/** completed ÷ (completed + error), null without either. */
export function successRate({ completedCount, errorCount }: UsageSummary): number | null {
  return completedCount + errorCount === 0 ? null : completedCount / (completedCount + errorCount);
}

/** Seconds per session started, 0 without one. */
export function averageSessionSeconds({ totalSeconds, sessionCount }: UsageTotals): number {
  return sessionCount === 0 ? 0 : totalSeconds / sessionCount;
}

export interface UsageReader {
  /** @throws ServiceUnavailableError when the database cannot be asked */
  summary(userId: string, period: BillingPeriod): Promise<UsageSummary>;
}
