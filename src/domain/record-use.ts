import type { Micros } from './money.ts';
import { costAlong, type PriceLine } from './price.ts';
import type { UsageStatus } from './session.ts';

/** A usage record as far as its use is concerned. */
export interface RecordTimes extends PriceLine {
  readonly status: UsageStatus;
  /** What is settled already, in the month it started in. */
  readonly settledSeconds: number;
  readonly settledCost: Micros;
  /** The start, and behind it what is settled. Null for a token that was not started. */
  readonly countedFrom: Date | null;
  /** Settled, once it has ended. */
  readonly durationSeconds: number;
  readonly estimatedCost: Micros;
  readonly heldSeconds: number;
}

/** What a record has used: settled, or up to a moment while its session runs. */
export function recordUse(record: RecordTimes, at: Date): { readonly seconds: number; readonly cost: Micros } {
  if (record.status !== 'active' || !record.countedFrom) {
    return { seconds: record.durationSeconds, cost: record.estimatedCost };
  }
  const elapsed = Math.max(at.getTime() - record.countedFrom.getTime(), 0);
  const milliseconds = Math.min(elapsed, record.heldSeconds * 1000);
  return {
    seconds: record.settledSeconds + Math.floor(milliseconds / 1000),
    cost: record.settledCost + costAlong(record, milliseconds),
  };
}
