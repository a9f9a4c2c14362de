/** One session by the vendor's word, as far as the books are concerned. */
export interface VendorFigures {
  readonly avatarSessionId: string;
  /** What it is billed by; null where the vendor does not say. */
  readonly mode: string | null;
  /** Where it was started, in the vendor's words. */
  readonly source: string | null;
  readonly startedAt: Date;
  /** Null while it runs. */
  readonly endedAt: Date | null;
  /** Whole seconds; a started one counts. */
  readonly seconds: number;
  /** What it has taken, in the vendor's credits, a decimal string; null where the vendor does not say. */
  readonly credits: string | null;
  /** A decimal string; null where the mode's is not known. */
  readonly creditsPerMinute: string | null;
  readonly endReason: string | null;
}

/**
 * What became of a session that was compared. Of one that ended: `corrected`, `confirmed` (the figures agreed, or there was
 * nothing to book) or `known` (booked before). Of one that runs: `running`, `started` (nobody had reported it) or `stopped`
 * (ended for us, so the vendor is asked to stop it). Either: `unattributed`, no record names it.
 */
export type Comparison = 'corrected' | 'confirmed' | 'known' | 'running' | 'started' | 'stopped' | 'unattributed';

/** From when the vendor's history is of interest. */
export interface Horizon {
  /** When the last run that came to its end began. */
  readonly completedAt: Date | null;
  /** Of the records that are still to be compared the oldest. */
  readonly oldestOpenAt: Date | null;
}

/**
 * Our books, as they are compared with one vendor's. Every act is atomic for each session, decided under the lock of the
 * user's quota, entered in the ledger, and does nothing a second time: runs may be cut, repeated and overlap.
 */
export interface Reconciliation {
  /** Notes that a run begins; false if another one, on whichever node, has begun within so many seconds. */
  claim(intervalSeconds: number): Promise<boolean>;
  horizon(): Promise<Horizon>;
  /** Takes note of sessions that run; reading their list began at `readAt`. */
  bookActive(sessions: readonly VendorFigures[], readAt: Date): Promise<Comparison[]>;
  /** Books sessions that have ended. What is open for us ends with them. */
  bookEnded(sessions: readonly VendorFigures[]): Promise<Comparison[]>;
  /** Books sessions that the vendor does not know as never started, those apart that are open. */
  bookUnknown(avatarSessionIds: readonly string[]): Promise<Comparison[]>;
  /**
   * Sessions of which the vendor's lists have said nothing: running or over for us since before `settledBefore`, or running
   * past us when they were last seen. The oldest first, a thousand at most.
   */
  unseen(activeIds: readonly string[], settledBefore: Date): Promise<string[]>;
  /** Notes that a run that began then came to its end. */
  complete(startedAt: Date): Promise<void>;
}
