import type { VendorFigures } from '../domain/reconciliation.ts';
import type { AvatarVendor, VendorSession } from '../domain/vendor.ts';
import { storable } from './storable.ts';

/**
 * A vendor's session as the books take it.
 *
 * When it was created may be when its token was minted, so its start is counted back from its end, or from the moment at
 * which it was seen running.
 */
export function vendorFigures(
  vendor: Pick<AvatarVendor, 'creditsPerMinute'>,
  session: VendorSession,
  seenAt: Date,
): VendorFigures {
  const milliseconds = session.durationSeconds * 1000;
  const over = session.endedAt ?? new Date(session.createdAt.getTime() + milliseconds);
  const endedAt = session.active ? null : over;
  return {
    avatarSessionId: session.avatarSessionId,
    mode: session.mode,
    source: session.source,
    startedAt: new Date((endedAt ?? seenAt).getTime() - milliseconds),
    endedAt,
    seconds: Math.ceil(session.durationSeconds),
    credits: session.creditsConsumed,
    creditsPerMinute: session.mode === null ? null : vendor.creditsPerMinute(session.mode),
    endReason: session.endReason === null ? null : storable(session.endReason),
  };
}
