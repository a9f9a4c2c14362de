/** One session by the vendor's word, as far as the books are concerned. */
export interface VendorFigures {
  readonly avatarSessionId: string;
  /** What it is billed by; null where the vendor does not say. */
  readonly mode: string | null;
  /** Where it was started, in the vendor's words. */
  readonly source: string | null;
  readonly startedAt: Date;
  /** Null while it runs, and before it starts. */
  readonly endedAt: Date | null;
  /** Whole seconds; a started one counts. */
  readonly seconds: number;
  /** What it has taken, in the vendor's credits, a decimal string, negative for a refund; null where the vendor does not say. */
  readonly credits: string | null;
  /** A decimal string; null where the mode's is not known. */
  readonly creditsPerMinute: string | null;
  readonly endReason: string | null;
}

/**
 * What became of a session that was compared. Of one that ended: `corrected`, `confirmed` (the figures agreed, or there was
 * nothing to book) or `known` (booked before). Of one that runs: `running`, `started` (nobody had reported it) or `stopped`
 * (ended for us, so the vendor is asked to stop it). Of a token that was not started: `unused`. Any: `unattributed`, no record
 * names it; `failed`, it could not be booked and was set aside.
 */
export type Comparison =
  | 'corrected'
  | 'confirmed'
  | 'known'
  | 'running'
  | 'started'
  | 'stopped'
  | 'unused'
  | 'unattributed'
  | 'failed';

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
 *
 * A session that cannot be booked is set aside and holds up no other. It is tried again at every run.
 *
 * @throws ServiceUnavailableError when the database cannot be reached
 */
export interface Reconciliation {
  /** Notes that a run begins; false if another one, on whichever node, has begun within so many seconds. */
  claim(intervalSeconds: number): Promise<boolean>;
  horizon(): Promise<Horizon>;
  /** Takes note of sessions that run, and of tokens that were not started; reading their list began at `readAt`. */
  bookActive(sessions: readonly VendorFigures[], readAt: Date): Promise<Comparison[]>;
  /** Books sessions that have ended. What is open for us ends with them. */
  bookEnded(sessions: readonly VendorFigures[]): Promise<Comparison[]>;
  /** Books sessions that the vendor does not know as never started. Open ones are left alone. */
  bookUnknown(avatarSessionIds: readonly string[]): Promise<Comparison[]>;
  /** Sets a session aside that the vendor has not answered for, or whose figures cannot be read. */
  setAside(avatarSessionId: string, problem: string): Promise<void>;
  /**
   * Sessions to ask the vendor for, since its lists have said nothing of them: running or ended for us since before
   * `settledBefore`, running past us when they were last seen, or set aside. A thousand at most: first those that were never
   * asked for, by age, then the one whose last attempt is the oldest.
   */
  unseen(seenIds: readonly string[], settledBefore: Date): Promise<string[]>;
  /** Notes that the vendor is asked for a session: others come before it next time. */
  noteAttempt(avatarSessionId: string): Promise<void>;
  /** Notes that a run that began then has read the lists to their end. */
  complete(startedAt: Date): Promise<void>;
}
