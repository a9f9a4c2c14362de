/** What a vendor can do. The core makes up for what is missing. */
export interface VendorCapabilities {
  /** The mint takes a cap in seconds, which the vendor enforces by itself. Otherwise our deadline and stop are the cut-off. */
  readonly capAtMint: boolean;
  readonly keepAlive: boolean;
  readonly list: boolean;
  readonly balance: boolean;
}

export interface MintRequest {
  readonly avatarName: string;
  /** The grant: the cap asked of the vendor, in seconds. */
  readonly maxSessionSeconds: number;
}

export interface MintedToken {
  /** Null where the vendor names the session only at its start. */
  readonly avatarSessionId: string | null;
  /** For the vendor's SDK in the browser. Never stored in the clear. */
  readonly token: string;
  /** Until when the vendor accepts the token: by its own word, or by a careful guess. */
  readonly endsAt: Date;
}

/** `unknown`: the vendor does not know the session, which may never have started. */
export type StopWord = 'stopped' | 'unknown';

/** One session as the vendor sees it. */
export interface VendorSession {
  readonly avatarSessionId: string;
  readonly active: boolean;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
  /** Seconds of the stream so far, by the vendor's count. */
  readonly durationSeconds: number;
  /** A decimal string in the vendor's credits; null where the vendor does not say. */
  readonly creditsConsumed: string | null;
  readonly endReason: string | null;
  /** The name under which its price is entered; null where the vendor does not say. */
  readonly mode: string | null;
  /** Where it was started, in the vendor's words, such as `API` or `EMBED`; null where the vendor does not say. */
  readonly source: string | null;
}

/** An entry of a vendor's list that cannot be read. */
export interface UnreadableEntry {
  /** Null if it names none. */
  readonly avatarSessionId: string | null;
  /** For operators. */
  readonly problem: string;
}

export type OnUnreadable = (entry: UnreadableEntry) => void;

/** Makes a call to the vendor, and makes it again where the vendor asks for a pause. */
export type Patience = <Answer>(call: () => Promise<Answer>) => Promise<Answer>;

/**
 * A vendor of streaming avatars.
 *
 * Every method rejects with a {@link VendorFailure}, and with nothing else.
 */
export interface AvatarVendor {
  /** The name stored on each usage record. */
  readonly name: string;
  readonly capabilities: VendorCapabilities;
  /**
   * What was minted before this moment the vendor may have forgotten, so that its not knowing a session says nothing; null
   * for one that forgets nothing.
   */
  readonly remembersFrom: Date | null;
  /** Whether the deployment has vendor ids for this avatar name. */
  knowsAvatar(avatarName: string): boolean;
  /** The names to propose when another is asked for; empty if any name will do. */
  readonly avatarNames: readonly string[];
  /** What sessions of a known avatar are billed by: the name under which the vendor's prices are entered, such as `FULL`. */
  modeOf(avatarName: string): string;
  /** The claims that the vendor's SDK reads in the session token of a known avatar. Empty where it reads none. */
  sdkClaims(avatarName: string): Readonly<Record<string, unknown>>;
  /** Credits a minute of a mode; null for one that is not known, or where the vendor does not bill in credits. */
  creditsPerMinute(mode: string): string | null;
  mint(request: MintRequest): Promise<MintedToken>;
  /** Resolves once the vendor confirms that the session does not run, also when it never did or has ended before. */
  stop(avatarSessionId: string, reason: string): Promise<StopWord>;
  keepAlive(avatarSessionId: string): Promise<void>;
  /** @throws VendorFailure of kind `gone` for an unknown id. */
  get(avatarSessionId: string): Promise<VendorSession>;
  /**
   * Each page is asked for through `patience`, where it is given: what was read is not lost to a page that is refused. An entry
   * that cannot be read is passed to `onUnreadable`, where it is given, and the others are still given.
   */
  listActive(patience?: Patience, onUnreadable?: OnUnreadable): AsyncIterable<VendorSession>;
  /** Ended sessions, newest first, down to those created at `since`; pages and entries as with `listActive`. */
  listEnded(since: Date, patience?: Patience, onUnreadable?: OnUnreadable): AsyncIterable<VendorSession>;
  /** Credits left, as a decimal string. */
  balance(): Promise<string>;
}
