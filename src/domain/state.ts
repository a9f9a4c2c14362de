import type { Micros } from './money.ts';
import type { BillingPeriod } from './period.ts';
import type { QuotaAlert } from './quota.ts';
import type { EndReason, UsageStatus } from './session.ts';

/** Milliseconds since 1970, as the service's clock counts them. */
export type Instant = number;

/** One user's quota of one month, as it is stored. Sums equal the ledger's at any moment. */
export interface StoredQuota {
  period: BillingPeriod;
  limitMinutes: number;
  limitCost: Micros;
  /** Settled use. */
  usedSeconds: number;
  usedCost: Micros;
  /** The sum of the holds of the month's open records. */
  heldSeconds: number;
  heldCost: Micros;
  /** Sessions started in the month. */
  sessionCount: number;
  isActive: boolean;
  /** Grows with every change; the versions of a month are higher than those of the months before. */
  version: number;
  /** When the running sessions will cross the next threshold, if they go on. */
  nextThresholdAt: Instant | null;
  /** Set when a limit or a price has changed and the open sessions have not followed yet. */
  limitsChangedAt: Instant | null;
  /** Thresholds that have fired. */
  alerts: QuotaAlert[];
}

/** One token and the session that it may have become, as it is stored. Seconds are whole, costs in millionths. */
export interface StoredRecord {
  id: string;
  /** The app's ID of the conversation. */
  sessionId: string;
  /** The vendor's ID of the session. Null until it is known. */
  avatarSessionId: string | null;
  avatarName: string;
  vendor: string;
  /** What the vendor bills by, such as `FULL`. */
  vendorMode: string;
  currency: string;
  status: UsageStatus;
  endReason: EndReason | null;
  errorMessage: string | null;
  startedAt: Instant | null;
  endedAt: Instant | null;
  durationSeconds: number;
  estimatedCost: Micros;
  wordsSpoken: number;
  messagesCount: number;
  /** The month in which the session started. */
  billingPeriod: BillingPeriod;
  /** The month whose quota holds for the record: a later one after the session ran past a month's end. */
  quotaPeriod: BillingPeriod;
  /** The price per minute where no dated price applies. Null: the vendor's list price. */
  fallbackPrice: Micros | null;
  /** The revision of the prices that the record was last priced by. */
  priceRevision: number;
  /** The vendor's rounding in force at the start: use is billed in steps, and for a minimum. */
  billingStepSeconds: number;
  minimumSeconds: number;
  /** The price in force from `pricedSeconds` on; the seconds before cost `pricedCost`. Both count from `countedFrom`. */
  pricePerMinute: Micros;
  pricedSeconds: number;
  pricedCost: Micros;
  /** When the next known price takes effect. */
  priceUntil: Instant | null;
  /** The longest that the session may run. Kept after its end. */
  grantSeconds: number;
  /** The cap that the vendor was given at the mint. Null where it takes none. */
  vendorCapSeconds: number | null;
  /** The cap that the vendor named at the start. Null until it is known. */
  effectiveCapSeconds: number | null;
  /** What is reserved for the record at the moment. After its end: what the vendor may still bill for it. */
  heldSeconds: number;
  heldCost: Micros;
  /** The part of its use that was settled in the months before `quotaPeriod`. */
  settledSeconds: number;
  settledCost: Micros;
  /** The start plus the settled seconds: from here on its use belongs to `quotaPeriod`. */
  countedFrom: Instant | null;
  /** SHA-256 of the token, in hexadecimal. */
  tokenHash: string | null;
  /** The unused token, encrypted, so that it can be handed out again. Null once its record has ended. */
  sealedToken: string | null;
  /** Until when the vendor accepts the token. Null while the vendor's token has not left this service. */
  tokenEndsAt: Instant | null;
  /** Seconds that the vendor may have streamed before the start that was reported to this service. */
  unseenSeconds: number;
  /** Whether the session has ended here, while the vendor has not confirmed its stop. */
  isStopping: boolean;
  /** The vendor's own figures. Null until the record was reconciled. */
  actualSeconds: number | null;
  actualCost: Micros | null;
  /** The vendor's credits that `actualCost` rests on, a decimal. Null where the vendor names none. */
  vendorCredits: string | null;
  vendorEndReason: string | null;
  reconciledAt: Instant | null;
  /** When the unused token or the running session ends by itself. Null after its end. */
  expiresAt: Instant | null;
  lastHeartbeatAt: Instant | null;
  /** The last of the notices before the end (60 and 15 seconds) that was sent or passed. */
  endingNotice: number | null;
  /** When something falls due for the record. Null after its end. */
  dueAt: Instant | null;
  createdAt: Instant;
  updatedAt: Instant;
}

/** Everything that is known of one user and that a decision can depend on. */
export interface UserState {
  userId: string;
  /** Grows with every change of the user's quotas and records. Zero for a user without a row. */
  revision: number;
  /** When anything of the user falls due next, as it is stored. */
  dueAt: Instant | null;
  /** By period, ascending: every month that a decision can touch, and the last one before them. */
  quotas: StoredQuota[];
  /** All open records, those that the vendor may still bill after their end, and those that the calls name, by age. */
  records: StoredRecord[];
  /** When the user's latest tokens were requested, the newest first; no more than the rate limit counts. */
  recentTokens: Instant[];
}

/** What all users together have used and hold, month by month. Kept only where the account has a ceiling. */
export interface AccountState {
  months: Map<BillingPeriod, { usedCost: Micros; heldCost: Micros }>;
  /** Unused tokens, running sessions, and those whose stop the vendor has not confirmed, of all users. */
  openSessions: number;
  /** Thresholds of the ceiling that have fired, by month. */
  alerts: Map<BillingPeriod, Set<number>>;
}

/** Whether a record takes one of the places for sessions that run at the same time. */
export function takesPlace(record: Pick<StoredRecord, 'status' | 'isStopping'>): boolean {
  return isOpen(record) || record.isStopping;
}

/** Whether the vendor may still bill a record that has ended. */
export function isOutstanding(record: StoredRecord): boolean {
  return !isOpen(record) && (record.isStopping || record.heldSeconds > 0);
}

export function isOpen({ status }: Pick<StoredRecord, 'status'>): boolean {
  return status === 'reserved' || status === 'active';
}
