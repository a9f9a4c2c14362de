import type { OpeningSdk, VendorSdk } from '../domain/vendor-sdk.ts';
import type { AppDeps } from './deps.ts';

/** What the use cases behind the vendor's own SDK work with. */
export interface SdkDeps extends AppDeps {
  readonly sdk: VendorSdk;
  /** The records whose tokens this node is exchanging for the vendor's. */
  readonly exchanging: Set<string>;
}

/** The same where the vendor names a session only in its answer to the start. */
export interface OpeningDeps extends AppDeps {
  readonly sdk: OpeningSdk;
  readonly exchanging: Set<string>;
}

/** A session that has started here, and not yet at the vendor. */
export interface Begun {
  readonly type: 'begun';
  /** What starts it at the vendor. */
  readonly vendorToken: string;
  /** Whether this call has started it, and not an earlier one. */
  readonly isFirst: boolean;
  /** The cap that the vendor was asked for just now, in seconds. Null if it was asked for the token by `createToken`. */
  readonly capSeconds: number | null;
}

/** A call of the SDK. */
export interface SdkRequest {
  /** The session token of `createToken`, which is the caller's credential. */
  readonly token: string;
  /** A JSON object or empty, to be passed on. */
  readonly body: string;
  /** The session that the body names, if it names one. */
  readonly avatarSessionId: string | null;
}

/** What the vendor said itself. */
export interface SdkAnswered {
  readonly type: 'answered';
  readonly status: number;
  /** JSON. */
  readonly body: string;
  readonly retryAfterSeconds: number | null;
}

/** The vendor gave no answer that could be passed on. */
export interface SdkUnanswered {
  readonly type: 'unanswered';
  /** HTTP: the vendor's own, 502 or 504. */
  readonly status: number;
  readonly message: string;
  readonly retryAfterSeconds: number | null;
}

/** The session has ended; the vendor was not asked. */
export interface SdkStopped {
  readonly type: 'stopped';
  /** Null for a token that never started its session. */
  readonly avatarSessionId: string | null;
}

/** The vendor was not asked. */
export interface SdkRefused {
  readonly type: 'refused';
  readonly reason: 'unknown_token' | 'foreign_session' | 'not_started' | 'already_started' | 'over';
  readonly message: string;
}

export type SdkOutcome = SdkAnswered | SdkUnanswered | SdkStopped | SdkRefused;

export const UNKNOWN_TOKEN: SdkRefused = {
  type: 'refused',
  reason: 'unknown_token',
  message: 'This service did not give out this session token. Ask for one with createToken.',
};

export const FOREIGN_SESSION: SdkRefused = {
  type: 'refused',
  reason: 'foreign_session',
  message: 'This token belongs to another session. Leave session_id out, or name the session of the token.',
};

export const NOT_STARTED: SdkRefused = {
  type: 'refused',
  reason: 'not_started',
  message: 'This session has not been started. Start it first.',
};

export const ALREADY_STARTED: SdkRefused = {
  type: 'refused',
  reason: 'already_started',
  message:
    'This token has opened its session, and opens no other. Use that session, or ask for a new token with createToken.',
};

export const OVER: SdkRefused = {
  type: 'refused',
  reason: 'over',
  message: 'This session has ended, or its token was revoked or has expired. Ask for a new token with createToken.',
};
