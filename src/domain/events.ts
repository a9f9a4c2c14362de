import type { BillingPeriod } from './period.ts';
import type { QuotaLimit } from './quota.ts';

/** What changed a quota. */
export type QuotaEventReason =
  | 'token_created'
  | 'session_started'
  | 'session_ended'
  | 'hold_released'
  | 'warning'
  | 'limit_reached'
  | 'session_capped'
  | 'session_ending_soon'
  | 'limit_changed'
  | 'corrected'
  | 'period_started';

/** One change of a quota, published after its commit and in the order of commits. */
export interface QuotaEvent {
  readonly userId: string;
  readonly period: BillingPeriod;
  /** The quota's version after this change. */
  readonly version: number;
  readonly reason: QuotaEventReason;
  readonly at: Date;
  /** The usage record concerned; null for a warning. */
  readonly recordId: string | null;
}

/** What a subscriber receives. */
export interface QuotaListener {
  changed(event: QuotaEvent): void;
  /** Events may have been missed: the present state must be read again. */
  missed(): void;
}

/** A user has crossed a warning threshold, or reached the limit itself. */
export interface QuotaThreshold {
  readonly userId: string;
  readonly period: BillingPeriod;
  readonly limit: QuotaLimit;
  /** 100 for the limit itself. */
  readonly thresholdPercent: number;
}

/** What is used and held by all users together has reached this share of the account's ceiling. */
export interface AccountThreshold {
  readonly period: BillingPeriod;
  readonly thresholdPercent: number;
}

/** Where changes of quotas are heard, whichever node made them. */
export interface QuotaEvents {
  /** Returns the function that ends the subscription. */
  subscribe(userId: string, listener: QuotaListener): () => void;
}
