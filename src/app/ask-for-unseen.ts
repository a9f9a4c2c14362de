import type { Clock } from '../domain/clock.ts';
import { VendorFailure, type VendorFailureKind } from '../domain/errors.ts';
import type { Comparison, Reconciliation, VendorFigures } from '../domain/reconciliation.ts';
import type { AvatarVendor, Patience } from '../domain/vendor.ts';
import { hasRun } from '../domain/vendor-billing.ts';
import { ImpossibleFigures, vendorFigures } from './vendor-figures.ts';

/**
 * How long after its end a session that the vendor does not know is treated as never started, and how long after its start one
 * that is not on the list is asked for: the lists may lag behind, and an expired token may still be on its way.
 */
const SETTLED_AFTER_MS = 10 * 60 * 1000;
/** A call that hangs holds up no other, and the vendor is not flooded. */
const CALLS_AT_ONCE = 3;
/** So many of these failures one after the other, and the vendor is not there. */
const MAX_FAILURES_IN_A_ROW = 3;
const ABSENCE: ReadonlySet<VendorFailureKind> = new Set(['unavailable', 'rate_limited', 'unauthorized', 'retired']);

interface AskForUnseenDeps {
  readonly books: Reconciliation;
  readonly vendor: AvatarVendor;
  readonly clock: Clock;
  readonly patience: Patience;
}

/**
 * Asks the vendor for single sessions that its lists have not shown: lists shift while they are read, and show no token that
 * was never used. Returns what became of each.
 *
 * A session whose answer fails is set aside. It is asked for again at the next run, after all the others.
 *
 * @throws VendorFailure when the vendor is not there. Those that were not asked for come first at the next run
 */
export async function askForUnseen(
  { books, vendor, clock, patience }: AskForUnseenDeps,
  seenIds: readonly string[],
  readAt: Date,
): Promise<Comparison[]> {
  const ids = await books.unseen(seenIds, new Date(readAt.getTime() - SETTLED_AFTER_MS));
  const waiting = ids.values();
  const outcomes: Comparison[] = [];
  let failuresInARow = 0;
  let end: { readonly error: unknown } | undefined;

  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, work));
  if (end) throw end.error;
  return outcomes;

  async function work(): Promise<void> {
    for (const id of waiting) {
      if (end) return;
      try {
        await books.noteAttempt(id);
        outcomes.push(await ask(id));
      } catch (error) {
        end ??= { error };
      }
    }
  }

  async function ask(id: string): Promise<Comparison> {
    try {
      const figures = vendorFigures(vendor, await patience(() => vendor.get(id)), clock());
      failuresInARow = 0;
      return await book(figures);
    } catch (error) {
      if (error instanceof VendorFailure && error.kind === 'gone') return bookUnknown(id);
      if (!(error instanceof VendorFailure || error instanceof ImpossibleFigures)) throw error;
      await books.setAside(id, error.message);
      if (error instanceof VendorFailure && ABSENCE.has(error.kind)) failuresInARow += 1;
      else failuresInARow = 0;
      if (failuresInARow >= MAX_FAILURES_IN_A_ROW) throw error;
      return 'failed';
    }
  }

  async function book(figures: VendorFigures): Promise<Comparison> {
    if (figures.endedAt === null && !hasRun(figures)) return bookUnknown(figures.avatarSessionId);
    const [outcome] =
      figures.endedAt === null ? await books.bookActive([figures], readAt) : await books.bookEnded([figures]);
    return outcome ?? 'failed';
  }

  /** A token that the vendor lists before its start is no session either. */
  async function bookUnknown(id: string): Promise<Comparison> {
    failuresInARow = 0;
    const [outcome] = await books.bookUnknown([id]);
    return outcome ?? 'failed';
  }
}
