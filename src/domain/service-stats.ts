/** Where the service stands, for whoever watches it. */
export interface ServiceStats {
  readonly activeSessions: number;
  readonly unusedTokens: number;
  /** Stops that the vendor has not confirmed. */
  readonly pendingStops: number;
  /** Seconds since the oldest of them was asked for; 0 without one. */
  readonly oldestPendingStopSeconds: number;
  /** Records and thresholds whose time has come and that no sweeper has taken yet. */
  readonly overdue: number;
  /** What all users together have used and hold this month; 0 without a ceiling. */
  readonly accountCost: number;
  /** Ended sessions that were not compared with the vendor's books yet. */
  readonly unreconciledRecords: number;
  /** Sessions that could not be compared with the vendor's books, and are tried again at every run. */
  readonly setAsideSessions: number;
  /** Sessions of this month on the vendor's lists that no record names. */
  readonly unattributedSessions: number;
  /** Seconds since the last comparison that came to its end began; infinite if there was none. */
  readonly secondsSinceReconciliation: number;
}
