import { formatMoney, type Micros } from './money.ts';
import { type QuotaLimit, type QuotaState, usedCost, usedMilliseconds } from './quota.ts';

/** The limit itself: crossing it is told as well, whatever thresholds are set. */
export const LIMIT_REACHED_PERCENT = 100;

/** The thresholds set and the limit itself, ascending, each once. */
export function everyThreshold(thresholds: readonly number[]): number[] {
  return [...new Set([...thresholds, LIMIT_REACHED_PERCENT])].sort((a, b) => a - b);
}

export interface QuotaWarning {
  readonly level: 'approaching_limit' | 'limit_reached';
  /** The limit that is nearest to its end. */
  readonly limit: QuotaLimit;
  /** The highest threshold crossed. */
  readonly thresholdPercent: number;
  readonly percentUsed: number;
  readonly crossedAt: Date;
  /** A sentence to show. */
  readonly message: string;
}

/**
 * Per cent of a limit, cut to two decimals so that it never shows a threshold before it is crossed. A limit of zero
 * counts as used up.
 */
export function percentOf(used: bigint, limit: bigint): number {
  return limit === 0n ? LIMIT_REACHED_PERCENT : Number((used * 10_000n) / limit) / 100;
}

/** Both percentages at a moment. May pass 100. */
export function percentagesAt(state: QuotaState, at: Date): Record<QuotaLimit, number> {
  return {
    minutes: percentOf(BigInt(usedMilliseconds(state, at)), BigInt(state.limitMinutes) * 60_000n),
    cost: percentOf(usedCost(state, at), state.limitCost),
  };
}

/** The limit that is nearest to its end; of two alike, the minutes. */
export function tighterLimit(percentages: Record<QuotaLimit, number>): QuotaLimit {
  return percentages.cost > percentages.minutes ? 'cost' : 'minutes';
}

/** The warning in force at a moment, null below the first threshold. */
export function warningAt(
  state: QuotaState,
  thresholds: readonly number[],
  at: Date,
  currency: string,
): QuotaWarning | null {
  const percentages = percentagesAt(state, at);
  const limit = tighterLimit(percentages);
  const percentUsed = percentages[limit];
  const thresholdPercent = everyThreshold(thresholds)
    .filter((percent) => percent <= percentUsed)
    .at(-1);
  if (thresholdPercent === undefined) return null;

  const alert = state.alerts.find((fired) => fired.limit === limit && fired.thresholdPercent === thresholdPercent);
  return {
    level: thresholdPercent >= LIMIT_REACHED_PERCENT ? 'limit_reached' : 'approaching_limit',
    limit,
    thresholdPercent,
    percentUsed,
    crossedAt: alert?.crossedAt ?? at,
    message: warningMessage(state, limit, at, currency),
  };
}

function warningMessage(state: QuotaState, limit: QuotaLimit, at: Date, currency: string): string {
  const amounts =
    limit === 'minutes'
      ? `${Math.floor(usedMilliseconds(state, at) / 60_000)} of ${state.limitMinutes} minutes`
      : `${formatMoney(wholeCents(usedCost(state, at)))} of ${formatMoney(state.limitCost)} ${currency}`;
  return `You have used ${amounts} this month.`;
}

function wholeCents(amount: Micros): Micros {
  return amount - (amount % 10_000n);
}

/**
 * When the running sessions, if they go on, will cross the next threshold. Null if none of them ever will.
 *
 * Consumption is a straight line in time, so the moment is known in advance: for n sessions started at s, used at t is
 * settled + n·t − Σs. The database's refresh_thresholds solves the same equation.
 */
export function nextCrossing(state: QuotaState, thresholds: readonly number[], at: Date): Date | null {
  const running = state.openRecords.filter((record) => record.startedAt !== null);
  const percents = everyThreshold(thresholds);
  const rates: Record<QuotaLimit, { used: number; limit: number; perMillisecond: number }> = {
    minutes: {
      used: usedMilliseconds(state, at),
      limit: state.limitMinutes * 60_000,
      perMillisecond: running.length,
    },
    cost: {
      used: Number(usedCost(state, at)),
      limit: Number(state.limitCost),
      perMillisecond: running.reduce((sum, record) => sum + Number(record.pricePerMinute) / 60_000, 0),
    },
  };
  const waits = Object.values(rates).flatMap(({ used, limit, perMillisecond }) =>
    percents.map((percent) => ((limit * percent) / 100 - used) / perMillisecond),
  );
  const next = Math.min(...waits.filter((wait) => wait > 0 && Number.isFinite(wait)));
  return Number.isFinite(next) ? new Date(at.getTime() + Math.ceil(next)) : null;
}
