import type { VendorFigures } from '../domain/reconciliation.ts';
import type { AvatarVendor, VendorSession } from '../domain/vendor.ts';
import { hasRun } from '../domain/vendor-billing.ts';
import { storable } from './storable.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** No session runs longer: a hold spans two months at the most. */
const MAX_SECONDS = 31 * 24 * 60 * 60;
const MAX_CREDITS = 1_000_000_000;
/** The length of the longest ID that is stored. */
const MAX_ID_CHARACTERS = 255;
const FIRST_MS = Date.parse('2000-01-01T00:00:00Z');

/** Figures that no session can have. The message says which, for operators. */
export class ImpossibleFigures extends Error {}

/**
 * A vendor's session as the books take it.
 *
 * When it was created may be when its token was minted, so its start is counted back from its end, or from the moment at
 * which it was seen running. A session without use has ended only where the vendor names its end: otherwise it is a token that
 * has not been started.
 *
 * @throws ImpossibleFigures for what no session can have, and nothing else
 */
export function vendorFigures(
  vendor: Pick<AvatarVendor, 'creditsPerMinute'>,
  session: VendorSession,
  seenAt: Date,
): VendorFigures {
  const problem = problemOf(session, seenAt);
  if (problem !== null) throw new ImpossibleFigures(problem);
  const milliseconds = session.durationSeconds * 1000;
  const seconds = Math.ceil(session.durationSeconds);
  const credits = session.creditsConsumed;
  const over = session.endedAt ?? new Date(session.createdAt.getTime() + milliseconds);
  const isOver =
    !session.active && (session.endedAt !== null || session.endReason !== null || hasRun({ seconds, credits }));
  const endedAt = isOver ? over : null;
  return {
    avatarSessionId: session.avatarSessionId,
    mode: session.mode === null ? null : storable(session.mode),
    source: session.source === null ? null : storable(session.source),
    startedAt: new Date((endedAt ?? seenAt).getTime() - milliseconds),
    endedAt,
    seconds,
    credits,
    creditsPerMinute: session.mode === null ? null : vendor.creditsPerMinute(session.mode),
    endReason: session.endReason === null ? null : storable(session.endReason),
  };
}

function problemOf(session: VendorSession, seenAt: Date): string | null {
  const { avatarSessionId, durationSeconds, creditsConsumed, createdAt, endedAt } = session;
  const latest = seenAt.getTime() + DAY_MS;
  const isDate = (date: Date) => date.getTime() >= FIRST_MS && date.getTime() <= latest;
  if (storableId(avatarSessionId) !== avatarSessionId) return 'Its ID cannot be stored';
  if (!(durationSeconds >= 0 && durationSeconds <= MAX_SECONDS)) return `It ran for ${durationSeconds} seconds`;
  if (!(Math.abs(Number(creditsConsumed ?? 0)) <= MAX_CREDITS)) return `It took ${short(creditsConsumed)} credits`;
  if (!isDate(createdAt) || !isDate(endedAt ?? createdAt)) return 'Its dates are out of range';
  return null;
}

/** An ID as the database can keep it, for an operator to recognise. */
export function storableId(avatarSessionId: string): string {
  return storable(avatarSessionId).slice(0, MAX_ID_CHARACTERS);
}

function short(text: string | null): string {
  return String(text).slice(0, 20);
}
