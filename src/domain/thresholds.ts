import { consumedMilliseconds, type OpenRecord, type QuotaLimit, type QuotaState, usedMilliseconds } from './quota.ts';
import { warningMessage } from './warning-message.ts';

const MS_PER_MINUTE = 60_000n;

/** A crossing later than the year 9999 never comes. */
const YEAR_10000 = Date.UTC(10_000, 0);

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

/** What is used of a limit, in a unit so small that neither is rounded, and how much more it gets per millisecond. */
interface Consumption {
  readonly used: bigint;
  readonly limit: bigint;
  readonly perMillisecond: bigint;
}

/** The minutes in milliseconds; the cost in millionths × milliseconds per minute. */
function consumptionAt(state: QuotaState, at: Date): Record<QuotaLimit, Consumption> {
  const running = state.openRecords.filter((record) => record.countedFrom !== null);
  const sum = (value: (record: OpenRecord) => bigint) => running.reduce((total, record) => total + value(record), 0n);
  return {
    minutes: {
      used: BigInt(usedMilliseconds(state, at)),
      limit: BigInt(state.limitMinutes) * MS_PER_MINUTE,
      perMillisecond: BigInt(running.length),
    },
    cost: {
      used: state.settledCost * MS_PER_MINUTE + sum((record) => pricedConsumption(record, at)),
      limit: state.limitCost * MS_PER_MINUTE,
      perMillisecond: sum((record) => record.pricePerMinute),
    },
  };
}

/** The cost of what a session has consumed, times the milliseconds of a minute: exact. */
function pricedConsumption(record: OpenRecord, at: Date): bigint {
  const atThisPrice = Math.max(consumedMilliseconds(record, at) - record.pricedSeconds * 1000, 0);
  return record.pricedCost * MS_PER_MINUTE + BigInt(atThisPrice) * record.pricePerMinute;
}

/** Both percentages at a moment. May pass 100. */
export function percentagesAt(state: QuotaState, at: Date): Record<QuotaLimit, number> {
  const { minutes, cost } = consumptionAt(state, at);
  return { minutes: percentOf(minutes.used, minutes.limit), cost: percentOf(cost.used, cost.limit) };
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
    message: warningMessage(state, limit, thresholdPercent, at, currency),
  };
}

/**
 * When the running sessions, if they go on, will cross the next threshold. Null if none of them ever will.
 *
 * Consumption is a straight line in time, so the moment is known in advance: for n sessions started at s, used at t is
 * settled + n·t − Σs. The database's refresh_thresholds solves the same equation.
 */
export function nextCrossing(state: QuotaState, thresholds: readonly number[], at: Date): Date | null {
  const percents = everyThreshold(thresholds).map(BigInt);
  const waits = Object.values(consumptionAt(state, at))
    .filter(({ perMillisecond }) => perMillisecond > 0n)
    .flatMap(({ used, limit, perMillisecond }) =>
      percents
        .map((percent) => limit * percent - used * 100n)
        .filter((left) => left > 0n)
        .map((left) => Number((left + perMillisecond * 100n - 1n) / (perMillisecond * 100n))),
    );
  const next = at.getTime() + Math.min(...waits);
  return next < YEAR_10000 ? new Date(next) : null;
}
