/** What `createToken` returns: the vendor's own token, or one of this service that it exchanges when the session starts. */
export type TokenDelivery = 'direct' | 'proxy';

export interface ProxyTokenRequest {
  /** The usage record that the token starts. */
  readonly recordId: string;
  readonly expiresAt: Date;
  /** What the vendor's SDK reads in a token. */
  readonly sdkClaims: Readonly<Record<string, unknown>>;
}

/** Session tokens of this service, which stand in for the vendor's. */
export interface ProxyTokens {
  /** A JWT, because the vendor's SDK may decode it. */
  issue(request: ProxyTokenRequest): Promise<string>;
  /** Whether this deployment issued the token. Its record decides whether it can still be used. */
  isOwn(token: string): Promise<boolean>;
}
