import { createHash } from 'node:crypto';
import type { TokenRecord } from '../domain/store.ts';
import type { AppDeps } from './deps.ts';

/** SHA-256, under which a vendor's token is kept. */
export function hashToken(token: string): Uint8Array {
  return createHash('sha256').update(token).digest();
}

/** The record of a vendor's token that this service gave out; null for any other. */
export async function recogniseToken({ store, vendor }: AppDeps, token: string): Promise<TokenRecord | null> {
  const record = await store.recognise(hashToken(token));
  return record?.vendor === vendor.name ? record : null;
}

/** Whether the token, or the session that it started, has ended, or would have if the sweeper had come by. */
export function isOver({ status, expiresAt }: TokenRecord, now: Date): boolean {
  return (status !== 'reserved' && status !== 'active') || (expiresAt !== null && expiresAt <= now);
}
