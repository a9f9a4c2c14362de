import type { Micros } from './money.ts';
import { runningCost } from './price.ts';
import type { UsageStatus } from './session.ts';

/** A usage record as far as its use is concerned. */
export interface RecordTimes {
  readonly status: UsageStatus;
  readonly startedAt: Date | null;
  /** Settled, once it is over. */
  readonly durationSeconds: number;
  readonly estimatedCost: Micros;
  readonly pricePerMinute: Micros;
  readonly heldSeconds: number;
}

/** What a record has used: settled, or up to a moment while its session runs. */
export function recordUse(record: RecordTimes, at: Date): { readonly seconds: number; readonly cost: Micros } {
  if (record.status !== 'active' || !record.startedAt) {
    return { seconds: record.durationSeconds, cost: record.estimatedCost };
  }
  const elapsed = Math.max(at.getTime() - record.startedAt.getTime(), 0);
  const milliseconds = Math.min(elapsed, record.heldSeconds * 1000);
  return { seconds: Math.floor(milliseconds / 1000), cost: runningCost(milliseconds, record.pricePerMinute) };
}
