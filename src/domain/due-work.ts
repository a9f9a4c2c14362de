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
  /** Ends records that are over by the clock; returns how many were due. */
  sweepRecords(): Promise<number>;
  /** Fires thresholds that running sessions have crossed; returns how many quotas were due. */
  sweepThresholds(): Promise<number>;
  /** Takes stops that are due; one that is not answered falls due again after its backoff. */
  claimStops(): Promise<PendingStop[]>;
  noteStops(answers: readonly StopAnswer[]): Promise<void>;
  /** Null if nothing ever falls due. */
  nextDue(): Promise<Date | null>;
}
