import { createHash } from 'node:crypto';
import type { TokenRecord } from '../domain/store.ts';
import type { SdkCredential } from '../domain/vendor-sdk.ts';
import type { AppDeps } from './deps.ts';

/** SHA-256, under which a session token is kept. */
export function hashToken(token: string): Uint8Array {
  return createHash('sha256').update(token).digest();
}

export interface RecognisedToken extends TokenRecord {
  /** Whether the token is one of this service's own. The vendor's token of such a session never leaves the service. */
  readonly isProxied: boolean;
}

/** The record of a session token that this service issued. Null for any other token. */
export async function recogniseToken(deps: AppDeps, token: string): Promise<RecognisedToken | null> {
  const record = await deps.store.recognise(hashToken(token));
  if (record?.vendor !== deps.vendor.name) return null;
  return { ...record, isProxied: await deps.proxyTokens.isOwn(token) };
}

/** By whose right a call on a session is passed on to the vendor. */
export function credentialFor({ isProxied }: RecognisedToken, token: string, avatarSessionId: string): SdkCredential {
  return isProxied ? { avatarSessionId } : { token };
}

/** Whether the token, or the session that it started, has ended, or would have if the sweeper had come by. */
export function isOver({ status, expiresAt }: TokenRecord, now: Date): boolean {
  return (status !== 'reserved' && status !== 'active') || (expiresAt !== null && expiresAt <= now);
}
