import { isOpen } from '../state.ts';
import type { AttachRequest } from '../store.ts';
import { changeRecord, type Draft, orderStop } from './draft.ts';
import { recordById } from './find-record.ts';

/**
 * Records what the vendor minted. The time to live of the unused token starts again.
 *
 * False if, while the vendor was asked, the record ended or expired, or lost its hold to a lower limit: its token must not be
 * issued. The vendor is asked to stop the session in any case, as soon as the record has ended.
 */
export function attach(draft: Draft, { recordId, avatarSessionId, tokenHash }: AttachRequest): boolean {
  const record = recordById(draft, recordId);
  if (!record) return false;
  const isUsable = record.status === 'reserved' && record.heldSeconds > 0 && (record.expiresAt ?? 0) > draft.now;
  changeRecord(draft, record, {
    avatarSessionId,
    tokenHash: Buffer.from(tokenHash).toString('hex'),
    ...(isUsable && { expiresAt: draft.now + draft.rules.policy.tokenTtlSeconds * 1000 }),
  });
  if (!isOpen(record)) orderStop(draft, record);
  return isUsable;
}
