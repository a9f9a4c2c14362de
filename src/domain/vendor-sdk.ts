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
  /** Whether the vendor has refused because the session runs: it was started past this service. */
  readonly ranBefore: boolean;
}

/**
 * By whose right a call on a session is passed on: that of the vendor's token, which the page has, or that of the account's key,
 * where this service keeps the vendor's token to itself. The key is good for every session, so the call then names this one.
 */
export type SdkCredential = { readonly token: string } | { readonly avatarSessionId: string };

/** Passes calls of the vendor's own SDK on to the vendor, with the caller's own body, JSON or empty. Never rejects. */
export interface VendorSdk {
  /** @param token the vendor's */
  start(token: string, body: string): Promise<ForwardedStart>;
  stop(credential: SdkCredential, body: string): Promise<Forwarded>;
  keepAlive(credential: SdkCredential, body: string): Promise<Forwarded>;
}

export interface ForwardedOpening extends Omit<ForwardedStart, 'ranBefore'> {
  /** The vendor's name for the session; null if it has opened none. */
  readonly avatarSessionId: string | null;
}

/** {@link VendorSdk} of a vendor that names a session only in its answer to the start, and whose token opens any number. */
export interface OpeningSdk {
  /** @param token the vendor's */
  open(token: string, body: string): Promise<ForwardedOpening>;
  stop(credential: SdkCredential, body: string): Promise<Forwarded>;
  /** Any other call on an open session, by the vendor's own word. */
  steer(call: string, credential: SdkCredential, body: string): Promise<Forwarded>;
  /** The vendor's address for the socket over which the SDK talks, such as `wss://…`. */
  chatUrl(query: string): string;
}
