import type { Admission, Reissue } from './admission.ts';
import type { QuotaEvent } from './events.ts';
import type { LimitChange } from './limits.ts';
import type { Micros } from './money.ts';
import type { BillingPeriod } from './period.ts';
import type { Price } from './price.ts';
import type { QuotaState } from './quota.ts';
import type { EndReason, UsageStatus } from './session.ts';
import type { SavedRecord } from './usage-record.ts';

export interface HoldRequest {
  readonly recordId: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly avatarName: string;
  readonly vendor: string;
  /** What the vendor bills the avatar by. */
  readonly vendorMode: string;
  /** Where the operator has entered no dated price. */
  readonly pricePerMinute: Micros;
  /** Whether the vendor enforces the grant by itself. */
  readonly vendorCaps: boolean;
}

export interface AttachRequest {
  readonly recordId: string;
  readonly userId: string;
  readonly avatarSessionId: string | null;
  /** SHA-256. */
  readonly tokenHash: Uint8Array;
  /** The token, encrypted, if it may be handed out again. */
  readonly sealedToken?: string;
  /** Until when the vendor accepts the token, if it is the vendor's own. */
  readonly tokenEndsAt?: Date;
}

export interface StartRequest {
  readonly userId: string;
  readonly sessionId: string;
  readonly avatarSessionId: string;
  readonly avatarName: string | null;
  /** Whether the vendor must have named the session to this service before. @default false */
  readonly mustBeNamed?: boolean;
  /** Whether only the page says so: it may have started the session at any moment since it has the token. */
  readonly isReported?: boolean;
}

export interface HeartbeatRequest {
  readonly userId: string;
  readonly avatarSessionId: string;
  /** Totals since the start; null leaves them as they are. */
  readonly wordsSpoken: number | null;
  readonly messagesCount: number | null;
}

export interface EndRequest extends HeartbeatRequest {
  readonly errorMessage: string | null;
}

/** Ends one record for a reason of the service's own. */
export interface CloseRequest {
  readonly recordId: string;
  readonly userId: string;
  readonly reason: EndReason;
  readonly errorMessage: string | null;
}

/** The start of a session by its token, which opens no other. */
export interface OpenRequest {
  readonly recordId: string;
  readonly userId: string;
  /** Null keeps the one that the token was asked for with. */
  readonly avatarName: string | null;
  /** The vendor's ID of the session. Null if the vendor names it only in its answer. @default null */
  readonly avatarSessionId?: string | null;
}

/** How the vendor has named a session that it has opened. */
export interface SessionName {
  readonly recordId: string;
  readonly userId: string;
  readonly avatarSessionId: string;
}

/** A session that this call started here, and the vendor did not. */
export interface FailedStart {
  readonly recordId: string;
  readonly userId: string;
  readonly errorMessage: string;
  /** Whether the token is of no use any more: another start would fail as well. */
  readonly isFinal?: boolean;
}

/** A record whose session the vendor has started. */
export interface StartedRecord {
  readonly recordId: string;
  readonly userId: string;
  /** Whether the vendor says that it had started before it was asked. */
  readonly ranBefore?: boolean;
}

/** What the vendor has answered to a stop. */
export interface ConfirmedStop {
  readonly recordId: string;
  readonly userId: string;
  /** `unknown`: it does not run, and may never have. `forgotten`: the vendor has lost everything of that time. */
  readonly word: 'stopped' | 'unknown' | 'forgotten';
  /** Whether the vendor's own figures will follow. */
  readonly expectsFigures: boolean;
}

/** The part of a request for a token that admission depends on. Without a conversation, it is one without open records. */
export interface Wish extends Pick<HoldRequest, 'vendor' | 'vendorMode' | 'pricePerMinute'> {
  readonly sessionId: string | null;
  /** An unused token of the same avatar is handed out again. */
  readonly avatarName?: string;
}

/** What a token would get, and the quota that this rests on. */
export interface Forecast {
  readonly admission: Admission;
  readonly state: QuotaState;
}

/** The most that a session may run at the vendor, as it said at the start. */
export interface SessionCap {
  readonly recordId: string;
  readonly userId: string;
  /** Whole seconds from the start, 1 or more. */
  readonly capSeconds: number;
}

/** What is known of a token at the moment of reading. */
export interface TokenRecord {
  readonly recordId: string;
  readonly userId: string;
  readonly sessionId: string;
  /** Null where the vendor has not named the session yet. */
  readonly avatarSessionId: string | null;
  readonly avatarName: string;
  readonly vendor: string;
  readonly status: UsageStatus;
  /** The longest that the session may run. */
  readonly grantSeconds: number;
  /** When the unused token or the running session ends by itself; null once it has ended. */
  readonly expiresAt: Date | null;
}

/** Also `not_found` for the session of another user. */
export type RecordOutcome<Name extends string> =
  | { readonly outcome: Name; readonly recordId: string }
  | { readonly outcome: 'not_found'; readonly recordId: null };

/** The record that an act was about and its user's quota of the current month, as the act saved them. */
export interface Saved {
  readonly record: SavedRecord;
  readonly quota: QuotaState;
}

/** The outcome of an act on a record, with everything that its answer shows. */
export type SavedOutcome<Name extends string> =
  | { readonly outcome: Name; readonly saved: Saved }
  | { readonly outcome: 'not_found'; readonly saved: null };

/** What {@link QuotaStore.hold} answers. A token that is handed out again comes with what its answer shows. */
export type Held = Exclude<Admission, Reissue> | (Reissue & { readonly saved: Saved });

/** A change of a quota, as it is published. */
export type QuotaChange = Pick<QuotaEvent, 'userId' | 'period' | 'version' | 'recordId'>;

/**
 * The quotas and their records. Every write is atomic, decided under the lock of the user's quota at the moment at which
 * it is carried out, and entered in the ledger.
 *
 * @throws ServiceUnavailableError when the database cannot be asked
 */
export interface QuotaStore {
  /** Reserves quota for a token; a new user's quota is created with it. */
  hold(request: HoldRequest): Promise<Held>;
  /** Notes what the vendor minted. Null if the record ended meanwhile: then the token must not go out. */
  attach(request: AttachRequest): Promise<Saved | null>;
  start(request: StartRequest): Promise<SavedOutcome<'started' | 'already_started' | 'ended'>>;
  heartbeat(request: HeartbeatRequest): Promise<SavedOutcome<'alive' | 'ended'>>;
  end(request: EndRequest): Promise<SavedOutcome<'ended' | 'already_ended'>>;
  close(request: CloseRequest): Promise<void>;
  /** Null for the hash of a token that was never given out. Decides nothing. */
  recognise(tokenHash: Uint8Array): Promise<TokenRecord | null>;
  /** Starts a session by its token's record; `taken` if the token has opened its session already. */
  open(request: OpenRequest): Promise<'started' | 'taken' | 'ended'>;
  /** False if the session ended meanwhile: then the vendor is asked to stop it. */
  name(named: SessionName): Promise<boolean>;
  /**
   * The vendor has not started a session: nothing is charged. A token that may still be used is unused again, until its time
   * to live has passed. A session that has ended stays as it is.
   */
  failStart(failed: FailedStart): Promise<void>;
  /** The vendor has started it. False if it ended here meanwhile: then the vendor is asked to stop it, once more if need be. */
  confirmStart(started: StartedRecord): Promise<boolean>;
  /** What was held for a session returns, as far as the vendor's answer to its stop allows. */
  confirmStop(confirmed: ConfirmedStop): Promise<void>;
  /** Notes the vendor's cap; a hold that is greater shrinks to it, and the deadline follows. */
  cap(cap: SessionCap): Promise<void>;
  /** Deadlines, holds and thresholds of open sessions follow at once. */
  changeLimits(change: LimitChange): Promise<void>;
  /** The price now in force for the vendor's mode, by the prices that the last act or read on this node went by. */
  currentPrice(vendor: string, vendorMode: string): Promise<Price>;
  /** What {@link hold} would decide at this moment. Writes nothing. */
  foresee(userId: string, wish: Wish): Promise<Forecast>;
  /** The user's quota of a period; one that was never written has the limits it would start with. */
  read(userId: string, period: BillingPeriod): Promise<QuotaState>;
  /** The quota after a change, or after a later one, and the record that changed. Nothing is read if this node has just saved it. */
  readChange(change: QuotaChange): Promise<{ readonly quota: QuotaState; readonly record: SavedRecord | null }>;
}
