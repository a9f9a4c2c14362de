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
  /** As it is kept; users see {@link errorForUser}. */
  readonly errorMessage: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A record as an act has saved it. */
export interface SavedRecord extends UsageRecord {
  /** The stop at the vendor, null if none was ordered. Absent if the act does not know it: the session ended before. */
  readonly stop?: { readonly confirmedAt: Date | null } | null;
}

/**
 * What a user sees of an error: their client's own words. What the vendor or the network said may name what stands
 * behind this service; that is kept for the operator.
 */
export function errorForUser({
  endReason,
  errorMessage,
}: Pick<UsageRecord, 'endReason' | 'errorMessage'>): string | null {
  if (endReason === 'client_error') return errorMessage;
  return endReason === 'vendor_error'
    ? 'The avatar service did not start this session. Ask for a new token, or use the static avatar.'
    : null;
}

/** @throws ServiceUnavailableError when the database cannot be asked */
export interface UsageRecords {
  /** Newest first. */
  list(page: HistoryPage): Promise<readonly UsageRecord[]>;
}
