import { isOpen } from '../state.ts';
import type { AttachRequest } from '../store.ts';
import { changeRecord, type Draft, orderStop } from './draft.ts';
import { recordById } from './find-record.ts';

/**
 * Notes what the vendor minted. The unused token's time to live counts from here.
 *
 * False for a record that ended, or lost its hold to a lower limit, while the vendor was asked: its token must not go out. The
 * vendor's session is stopped all the same, at once in the one case, when the sweeper ends the record in the other.
 */
export function attach(draft: Draft, { recordId, avatarSessionId, tokenHash }: AttachRequest): boolean {
  const record = recordById(draft, recordId);
  if (!record) return false;
  const isUsable = record.status === 'reserved' && record.heldSeconds > 0;
  changeRecord(draft, record, {
    avatarSessionId,
    tokenHash: Buffer.from(tokenHash).toString('hex'),
    ...(isUsable && { expiresAt: draft.now + draft.rules.policy.tokenTtlSeconds * 1000 }),
  });
  if (!isOpen(record)) orderStop(draft, record);
  return isUsable;
}
