import type { VendorFigures } from '../reconciliation.ts';
import { type Instant, isOpen, type StoredRecord } from '../state.ts';
import { hasRun, isSameCredits } from '../vendor-billing.ts';
import { closeRecord } from './close-record.ts';
import { correctRecord } from './correct-record.ts';
import { changeRecord, type Draft, orderStop } from './draft.ts';
import { recordBySession } from './find-record.ts';
import { leavePlace, release } from './outstanding.ts';
import { startUnreported } from './start.ts';

/** A session of the vendor's list, and whose list it is. */
export interface Listed {
  readonly vendor: string;
  readonly figures: VendorFigures;
}

/**
 * Books a session that has ended at the vendor. One that is open here ends when it ended there. Figures that differ from those
 * that were booked before are booked as well: the vendor corrects its own records.
 */
export function reconcileEnded(draft: Draft, { vendor, figures }: Listed): 'corrected' | 'confirmed' | 'known' {
  const record = recordBySession(draft, figures.avatarSessionId);
  if (record?.vendor !== vendor || !isNews(record, figures)) return 'known';
  const endedAt = Math.min(draft.now, figures.endedAt?.getTime() ?? draft.now);
  closeRecord(draft, record, { reason: 'vendor_ended', endedAt, actor: 'reconciler' });
  leavePlace(draft, record);
  release(draft, record, 'vendor_figures');
  return correctRecord(draft, record, figures) ? 'corrected' : 'confirmed';
}

/**
 * Books a session that the vendor does not know: it never started there. One that is open here is left alone, and so is one whose
 * token the vendor still accepts: also where its start was reported, it may be yet to come.
 */
export function reconcileUnknown(
  draft: Draft,
  { vendor, avatarSessionId }: { readonly vendor: string; readonly avatarSessionId: string },
): 'corrected' | 'confirmed' | 'running' | 'known' {
  const record = recordBySession(draft, avatarSessionId);
  if (record?.vendor !== vendor || record.reconciledAt !== null) return 'known';
  if (isOpen(record)) return 'running';
  if ((record.tokenEndsAt ?? 0) > draft.now) return 'known';
  leavePlace(draft, record);
  release(draft, record, 'never_started');
  return correctRecord(draft, record, null) ? 'corrected' : 'confirmed';
}

/**
 * Takes note of a session that runs at the vendor. A token whose start nobody has reported starts when it did there. A session
 * that has ended here is stopped, also if the vendor confirmed that before its list was read. A token that the vendor lists
 * before its start, without any use, changes nothing.
 */
export function reconcileActive(
  draft: Draft,
  { vendor, figures, readAt }: Listed & { readonly readAt: Instant },
): 'running' | 'started' | 'stopped' | 'unused' | 'known' {
  const record = recordBySession(draft, figures.avatarSessionId);
  if (record?.vendor !== vendor) return 'known';
  if (!hasRun(figures)) return 'unused';
  if (record.status === 'reserved') {
    startUnreported({ ...draft, now: startedAt(draft, record, figures) }, record);
    if (isOpen(record)) return 'started';
  }
  if (isOpen(record)) return 'running';
  // What it takes from now on is not known yet.
  if (record.reconciledAt !== null) changeRecord(draft, record, { reconciledAt: null });
  orderStop(draft, record, readAt);
  return 'stopped';
}

/** When an unreported session started. One that was taken past the end of a month starts in the new month. */
function startedAt({ now, rules }: Draft, record: StoredRecord, { startedAt: at }: VendorFigures): Instant {
  const begun = Math.max(at.getTime(), record.createdAt, rules.startOf(record.quotaPeriod));
  return Math.min(begun, now);
}

/**
 * Whether the figures are others than those that were booked. Figures that stay as they are change nothing, also when a price was
 * entered in the meantime.
 */
function isNews(record: StoredRecord, { seconds, credits }: VendorFigures): boolean {
  if (record.reconciledAt === null || seconds !== record.actualSeconds) return true;
  // A session that the vendor did not know took nothing.
  const booked = record.vendorCredits ?? (record.actualSeconds === 0 ? '0' : null);
  return credits !== null && !isSameCredits(credits, booked);
}
