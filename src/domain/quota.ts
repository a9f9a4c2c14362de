import type { Micros } from './money.ts';
import type { BillingPeriod } from './period.ts';
import { costAlong, type Price } from './price.ts';
import type { UsageRecord } from './usage-record.ts';

export type QuotaLimit = 'minutes' | 'cost';

/** An unused token or a running session, with what it holds of the quota. */
export interface OpenRecord extends UsageRecord, Omit<Price, 'perMinute'> {
  readonly status: 'reserved' | 'active';
  readonly heldCost: Micros;
}

/** A threshold that has fired. */
export interface QuotaAlert {
  readonly limit: QuotaLimit;
  readonly thresholdPercent: number;
  readonly crossedAt: Date;
}

/** A quota as it is stored: true at any moment, since running sessions are stored by their start. */
export interface QuotaState {
  readonly userId: string;
  readonly period: BillingPeriod;
  readonly limitMinutes: number;
  readonly limitCost: Micros;
  /** Of ended sessions. */
  readonly settledSeconds: number;
  readonly settledCost: Micros;
  /** The sum of the holds of open records, consumed or not. */
  readonly reservedSeconds: number;
  readonly reservedCost: Micros;
  readonly sessionCount: number;
  readonly isActive: boolean;
  readonly version: number;
  /** The oldest first. */
  readonly openRecords: readonly OpenRecord[];
  readonly alerts: readonly QuotaAlert[];
  /** When the limit on tokens per minute lets the user have the next one; null if it does now. */
  readonly nextTokenAt: Date | null;
}

/** Settled use and what running sessions have consumed up to a moment. */
export interface QuotaUse {
  readonly usedSeconds: number;
  readonly usedCost: Micros;
  readonly heldSeconds: number;
  readonly heldCost: Micros;
  readonly remainingSeconds: number;
  readonly remainingCost: Micros;
  /** What the next token may hold. */
  readonly availableSeconds: number;
}

/** Milliseconds that a running session has consumed of its hold; none before it starts. */
export function consumedMilliseconds(record: OpenRecord, at: Date): number {
  if (!record.countedFrom) return 0;
  return Math.min(Math.max(at.getTime() - record.countedFrom.getTime(), 0), record.heldSeconds * 1000);
}

/** Milliseconds used: settled seconds and what running sessions have consumed. */
export function usedMilliseconds(state: QuotaState, at: Date): number {
  return state.openRecords.reduce((sum, record) => sum + consumedMilliseconds(record, at), state.settledSeconds * 1000);
}

/** Cost used: settled, and what running sessions have consumed, each rounded down. */
export function usedCost(state: QuotaState, at: Date): Micros {
  return state.openRecords.reduce(
    (sum, record) => sum + costAlong(record, consumedMilliseconds(record, at)),
    state.settledCost,
  );
}

/** Reads a quota at a moment. `used + held` grows only by new holds: running sessions turn the one into the other. */
export function useAt(state: QuotaState, at: Date): QuotaUse {
  const seconds = Math.floor(usedMilliseconds(state, at) / 1000);
  const cost = usedCost(state, at);
  const limitSeconds = state.limitMinutes * 60;
  return {
    usedSeconds: seconds,
    usedCost: cost,
    heldSeconds: Math.max(state.settledSeconds + state.reservedSeconds - seconds, 0),
    heldCost: max(state.settledCost + state.reservedCost - cost, 0n),
    remainingSeconds: Math.max(limitSeconds - seconds, 0),
    remainingCost: max(state.limitCost - cost, 0n),
    availableSeconds: Math.max(limitSeconds - state.settledSeconds - state.reservedSeconds, 0),
  };
}

/** Seconds in minutes, with four decimals, as the database keeps them. */
export function toMinutes(seconds: number): number {
  return Math.round((seconds / 60) * 10_000) / 10_000;
}

function max(a: Micros, b: Micros): Micros {
  return a > b ? a : b;
}
