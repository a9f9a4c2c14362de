import type { Micros } from './money.ts';
import type { BillingPeriod } from './period.ts';
import type { RecordTimes } from './record-use.ts';
import type { EndReason } from './session.ts';
import type { HistoryPage } from './usage-history.ts';

/** One token and the session it may have become, as it is stored. */
export interface UsageRecord extends RecordTimes {
  readonly id: string;
  readonly userId: string;
  readonly sessionId: string;
  /** The vendor's id, null until it is known. */
  readonly avatarSessionId: string | null;
  readonly avatarName: string;
  readonly vendor: string;
  readonly endReason: EndReason | null;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly wordsSpoken: number;
  readonly messagesCount: number;
  readonly billingPeriod: BillingPeriod;
  readonly grantSeconds: number;
  /** The vendor's own figures, null until they are known. */
  readonly actualSeconds: number | null;
  readonly actualCost: Micros | null;
  readonly vendorEndReason: string | null;
  readonly expiresAt: Date | null;
  readonly errorMessage: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** @throws ServiceUnavailableError when the database cannot be asked */
export interface UsageRecords {
  /** The user's records with these ids, the oldest first. */
  find(userId: string, ids: readonly string[]): Promise<readonly UsageRecord[]>;
  /** Newest first. */
  list(page: HistoryPage): Promise<readonly UsageRecord[]>;
}
