import { consumedMilliseconds, type OpenRecord, type QuotaLimit, type QuotaState, usedMilliseconds } from './quota.ts';
import { warningMessage } from './warning-message.ts';

const MS_PER_MINUTE = 60_000n;

/** A crossing later than the year 9999 never comes. */
const YEAR_10000 = Date.UTC(10_000, 0);

/** The limit itself: crossing it is notified as well, whatever thresholds are set. */
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
 * is treated as used up.
 */
export function percentOf(used: bigint, limit: bigint): number {
  return limit === 0n ? LIMIT_REACHED_PERCENT : Number((used * 10_000n) / limit) / 100;
}

/** What is used of a limit, in a unit so small that neither is rounded. */
interface Consumption {
  readonly used: bigint;
  readonly limit: bigint;
}

/** The minutes in milliseconds; the cost in millionths × milliseconds per minute. */
function consumptionAt(state: QuotaState, at: Date): Record<QuotaLimit, Consumption> {
  const running = state.openRecords.filter((record) => record.countedFrom !== null);
  const sum = (value: (record: OpenRecord) => bigint) => running.reduce((total, record) => total + value(record), 0n);
  return {
    minutes: {
      used: BigInt(usedMilliseconds(state, at)),
      limit: BigInt(state.limitMinutes) * MS_PER_MINUTE,
    },
    cost: {
      used: state.settledCost * MS_PER_MINUTE + sum((record) => pricedConsumption(record, at)),
      limit: state.limitCost * MS_PER_MINUTE,
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

/** What a threshold is of: one limit, at one percentage. */
export interface ThresholdKey {
  readonly limit: QuotaLimit;
  readonly thresholdPercent: number;
}

/** A threshold, and when it is or will be crossed, in milliseconds since 1970. Null if it never is by streaming. */
export interface Crossing extends ThresholdKey {
  readonly at: number | null;
}

/**
 * When the running sessions, if they go on, cross each threshold.
 *
 * Consumption is a straight line in time, so the moment is known in advance: for n sessions started at s, used at t is
 * settled + n·t − Σs.
 */
export function crossings(state: QuotaState, percents: readonly number[]): Crossing[] {
  const running = state.openRecords.filter((record) => record.countedFrom !== null);
  const sum = (value: (record: OpenRecord) => bigint) => running.reduce((total, record) => total + value(record), 0n);
  const startOf = ({ countedFrom }: OpenRecord) => BigInt(countedFrom?.getTime() ?? 0);
  const lines: Record<QuotaLimit, { limit: bigint; settled: bigint; starts: bigint; slope: bigint }> = {
    minutes: {
      limit: BigInt(state.limitMinutes) * MS_PER_MINUTE,
      settled: BigInt(state.settledSeconds) * 1000n,
      starts: sum(startOf),
      slope: BigInt(running.length),
    },
    cost: {
      limit: state.limitCost * MS_PER_MINUTE,
      settled: state.settledCost * MS_PER_MINUTE,
      // where the price has changed since the start, the line is that of a session which had started later
      starts: sum(
        (record) =>
          record.pricePerMinute * (startOf(record) + BigInt(record.pricedSeconds) * 1000n) -
          record.pricedCost * MS_PER_MINUTE,
      ),
      slope: sum((record) => record.pricePerMinute),
    },
  };
  return (['minutes', 'cost'] as const).flatMap((limit) =>
    percents.map((thresholdPercent) => {
      const line = lines[limit];
      const distance = line.limit * BigInt(thresholdPercent) + (line.starts - line.settled) * 100n;
      return { limit, thresholdPercent, at: momentOn(distance, line.slope * 100n) };
    }),
  );
}

function momentOn(distance: bigint, slope: bigint): number | null {
  if (slope === 0n || distance < 0n) return null;
  const at = Number((distance + slope - 1n) / slope);
  return at < YEAR_10000 ? at : null;
}

/** The thresholds that are crossed at a moment. */
export function crossedThresholds(state: QuotaState, percents: readonly number[], at: Date): ThresholdKey[] {
  const consumption = consumptionAt(state, at);
  return (['minutes', 'cost'] as const).flatMap((limit) => {
    const { used, limit: whole } = consumption[limit];
    return percents
      .filter((percent) => used * 100n >= whole * BigInt(percent))
      .map((thresholdPercent) => ({ limit, thresholdPercent }));
  });
}

/** When the running sessions, if they go on, will cross the next threshold. Null if none of them ever will. */
export function nextCrossing(state: QuotaState, thresholds: readonly number[], at: Date): Date | null {
  const percents = everyThreshold(thresholds);
  const crossed = crossedThresholds(state, percents, at);
  const isCrossed = (key: ThresholdKey) =>
    crossed.some(({ limit, thresholdPercent }) => limit === key.limit && thresholdPercent === key.thresholdPercent);
  const ahead = crossings(state, percents)
    .filter((crossing) => !isCrossed(crossing))
    .map((crossing) => crossing.at ?? 0)
    .filter((crossesAt) => crossesAt > at.getTime());
  return ahead.length === 0 ? null : new Date(Math.min(...ahead));
}
