import type { VendorFailure } from './errors.ts';

/** What came of a call of the vendor's own SDK that was passed on. */
export interface Forwarded {
  /** HTTP: the vendor's own; 502 for a success that cannot be read or a broken connection, 504 for no answer in time. */
  readonly status: number;
  /** The vendor's own JSON; null if it gave none. */
  readonly body: string | null;
  /** Null if the vendor has done what was asked. */
  readonly failure: VendorFailure | null;
}

export interface ForwardedStart extends Forwarded {
  /** The most that the session may run, in whole seconds; null where the vendor names none. */
  readonly capSeconds: number | null;
}

/**
 * Passes calls of the vendor's own SDK on to the vendor: with the caller's session token, never with the account's key, and
 * the caller's own body, JSON or empty. Never rejects.
 */
export interface VendorSdk {
  start(token: string, body: string): Promise<ForwardedStart>;
  stop(token: string, body: string): Promise<Forwarded>;
  keepAlive(token: string, body: string): Promise<Forwarded>;
}

export interface ForwardedOpening extends ForwardedStart {
  /** The vendor's name for the session; null if it has opened none. */
  readonly avatarSessionId: string | null;
}

/** {@link VendorSdk} of a vendor that names a session only in its answer to the start, and whose token opens any number. */
export interface OpeningSdk {
  open(token: string, body: string): Promise<ForwardedOpening>;
  stop(token: string, body: string): Promise<Forwarded>;
  /** Any other call on an open session, by the vendor's own word. */
  steer(call: string, token: string, body: string): Promise<Forwarded>;
  /** The vendor's address for the socket over which the SDK talks, such as `wss://…`. */
  chatUrl(query: string): string;
}
