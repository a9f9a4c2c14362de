import type { Micros } from './money.ts';
import type { BillingPeriod } from './period.ts';

/**
 * Why a record was corrected: it was used although nobody reported its start, never started at the vendor, was refunded, ended
 * there sooner or ran there longer than for us by more than a second, or was only counted or rounded differently.
 */
export type CorrectionReason =
  | 'unreported_use'
  | 'never_started'
  | 'refunded'
  | 'ended_sooner'
  | 'ran_longer'
  | 'vendor_figures';

/** What one kind of sessions was estimated at, and what it cost. Of a session over a month's end the month's share. */
export interface ReportGroup {
  readonly vendor: string;
  readonly mode: string;
  readonly avatarName: string;
  readonly sessions: number;
  readonly estimatedCost: Micros;
  readonly actualCost: Micros;
  /** Sessions that were not compared yet; their actual cost is the estimate. */
  readonly notCompared: number;
}

export interface ReportDifference {
  readonly recordId: string;
  readonly userId: string;
  readonly vendor: string;
  readonly avatarSessionId: string;
  readonly estimatedSeconds: number;
  readonly estimatedCost: Micros;
  readonly actualSeconds: number;
  readonly actualCost: Micros;
  readonly reason: CorrectionReason;
  readonly vendorEndReason: string | null;
}

/** A session on the vendor's list that no token of ours explains. */
export interface UnattributedSession {
  readonly vendor: string;
  readonly avatarSessionId: string;
  readonly source: string | null;
  readonly mode: string | null;
  readonly startedAt: Date;
  /** Null while it runs. */
  readonly endedAt: Date | null;
  readonly seconds: number;
  readonly cost: Micros;
}

/** A session that could not be compared. It is tried again at every run. */
export interface SetAsideSession {
  readonly vendor: string;
  readonly avatarSessionId: string;
  readonly problem: string;
  /** How often in a row it was tried, and since when. */
  readonly failures: number;
  readonly failingSince: Date;
}

/** One month of our books beside the vendor's. */
export interface ReconciliationReport {
  readonly period: BillingPeriod;
  readonly groups: readonly ReportGroup[];
  /** The largest first. */
  readonly differences: readonly ReportDifference[];
  /** In the order of their start. */
  readonly unattributed: readonly UnattributedSession[];
  /** Of whichever month, the oldest first; a hundred at most. */
  readonly setAside: readonly SetAsideSession[];
}
