import type { EndReason } from './session.ts';

/** A stop that the vendor has not confirmed yet. */
export interface PendingStop {
  readonly recordId: string;
  readonly avatarSessionId: string;
  readonly reason: EndReason;
  /** How often it has been tried, this time included. */
  readonly attempts: number;
}

/** What the vendor answered to a stop: confirmed if there is no error. */
export interface StopAnswer {
  readonly recordId: string;
  readonly error: string | null;
  /** When the vendor asked to be called again; null leaves it to the backoff. */
  readonly retryAt: Date | null;
}

/** What falls due by itself. Any number of nodes may work on it: each takes what no other holds. */
export interface DueWork {
  /**
   * Ends records that are over by the clock, takes others over the end of their month, tells those that end soon; returns
   * how many were due. Missed heartbeats count from the given moment on.
   */
  sweepRecords(lapsesFrom: Date): Promise<number>;
  /** Lets open sessions follow limits that were changed; returns how many quotas were due. */
  sweepLimits(): Promise<number>;
  /** Fires thresholds that running sessions have crossed; returns how many quotas were due. */
  sweepThresholds(): Promise<number>;
  /** Takes the vendor's stops that are due, or all; one that is not answered falls due again after its backoff. */
  claimStops(which: 'due' | 'all'): Promise<PendingStop[]>;
  noteStops(answers: readonly StopAnswer[]): Promise<void>;
  /** Null if nothing ever falls due. */
  nextDue(): Promise<Date | null>;
}
