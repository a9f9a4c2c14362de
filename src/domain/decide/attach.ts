import { type Instant, isOpen } from '../state.ts';
import type { AttachRequest } from '../store.ts';
import { changeRecord, type Draft, orderStop } from './draft.ts';
import { recordById } from './find-record.ts';

/** When an unused token expires that is handed out now. */
export function tokenExpiresAt({ now, rules }: Draft, tokenEndsAt: Instant | null): Instant {
  return Math.min(now + rules.policy.tokenTtlSeconds * 1000, tokenEndsAt ?? Number.POSITIVE_INFINITY);
}

/**
 * Records what the vendor minted. The time to live of the unused token starts again.
 *
 * False if, while the vendor was asked, the record ended or expired, or lost its hold to a lower limit: its token must not be
 * issued. The vendor is asked to stop the session in any case, as soon as the record has ended.
 */
export function attach(draft: Draft, request: AttachRequest): boolean {
  const { recordId, avatarSessionId, tokenHash, sealedToken = null } = request;
  const tokenEndsAt = request.tokenEndsAt?.getTime() ?? null;
  const record = recordById(draft, recordId);
  if (!record) return false;
  const isUsable = record.status === 'reserved' && record.heldSeconds > 0 && (record.expiresAt ?? 0) > draft.now;
  changeRecord(draft, record, {
    avatarSessionId,
    tokenHash: Buffer.from(tokenHash).toString('hex'),
    ...(isUsable && {
      sealedToken,
      tokenEndsAt,
      expiresAt: tokenExpiresAt(draft, tokenEndsAt),
    }),
  });
  if (!isOpen(record)) orderStop(draft, record);
  return isUsable;
}
