import type { EndReason } from './session.ts';

/** A stop that the vendor has not confirmed yet. */
export interface PendingStop {
  readonly recordId: string;
  readonly userId: string;
  /** When its token was asked for. */
  readonly createdAt: Date;
  readonly avatarSessionId: string;
  readonly reason: EndReason;
  /** How often it has been tried, this time included. */
  readonly attempts: number;
}

/** A stop that the vendor has not confirmed. */
export interface FailedStop {
  readonly recordId: string;
  readonly error: string;
  /** When the vendor asked to be called again; null leaves it to the backoff. */
  readonly retryAt: Date | null;
}

/**
 * What falls due by itself. Any number of nodes may work on it: each takes what no other holds.
 *
 * `dueFrom` is a moment before which nothing is due. It spares the database the search through entries of work that is done,
 * which it keeps while an old transaction can see them. Without it, everything is searched.
 */
export interface DueWork {
  /**
   * Does what has fallen due for a number of users: ends records, takes them past the end of their month, fires thresholds,
   * lets open sessions follow limits and prices. Returns for how many users anything was due. Missed heartbeats count from the
   * given moment on.
   */
  sweep(lapsesFrom: Date, dueFrom?: Date): Promise<number>;
  /** Takes the vendor's stops that are due, or all; one that is not answered falls due again after its backoff. */
  claimStops(which: 'due' | 'all', dueFrom?: Date): Promise<PendingStop[]>;
  noteFailedStop(failed: FailedStop): Promise<void>;
  /** Null if nothing ever falls due. */
  nextDue(dueFrom?: Date): Promise<Date | null>;
}
