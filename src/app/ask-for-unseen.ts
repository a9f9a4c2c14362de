import type { Clock } from '../domain/clock.ts';
import { VendorFailure } from '../domain/errors.ts';
import type { Comparison, Reconciliation, VendorFigures } from '../domain/reconciliation.ts';
import type { AvatarVendor, Patience } from '../domain/vendor.ts';
import { vendorFigures } from './vendor-figures.ts';

/**
 * How long after its end a session that the vendor does not know is treated as never started, and how long after its start one
 * that is not on the list is asked for: the lists may lag behind, and an expired token may still be on its way.
 */
const SETTLED_AFTER_MS = 10 * 60 * 1000;
const BATCH_SIZE = 100;
/** So many failures one after the other, and the vendor is not there. */
const MAX_FAILURES_IN_A_ROW = 3;

interface AskForUnseenDeps {
  readonly books: Reconciliation;
  readonly vendor: AvatarVendor;
  readonly clock: Clock;
  readonly patience: Patience;
}

/**
 * Asks the vendor, one by one, for sessions that its lists have not shown: lists shift while they are read, and show no
 * token that was never used.
 *
 * A session whose answer fails holds up no other; it is asked for again at the next run.
 *
 * @throws VendorFailure after all the others were asked for, or at once when the vendor is not there
 */
export async function askForUnseen(
  { books, vendor, clock, patience }: AskForUnseenDeps,
  activeIds: readonly string[],
  readAt: Date,
): Promise<Comparison[]> {
  const ids = await books.unseen(activeIds, new Date(readAt.getTime() - SETTLED_AFTER_MS));
  const outcomes: Comparison[] = [];
  const failures: VendorFailure[] = [];
  let failuresInARow = 0;

  for (let from = 0; from < ids.length && failuresInARow < MAX_FAILURES_IN_A_ROW; from += BATCH_SIZE) {
    const running: VendorFigures[] = [];
    const ended: VendorFigures[] = [];
    const unknown: string[] = [];
    for (const id of ids.slice(from, from + BATCH_SIZE)) {
      const answer = await ask(id);
      failuresInARow = answer === 'failed' ? failuresInARow + 1 : 0;
      if (failuresInARow === MAX_FAILURES_IN_A_ROW) break;
      if (answer === 'unknown') unknown.push(id);
      else if (answer !== 'failed') (answer.endedAt === null ? running : ended).push(answer);
    }
    outcomes.push(...(await books.bookActive(running, readAt)));
    outcomes.push(...(await books.bookEnded(ended)));
    outcomes.push(...(await books.bookUnknown(unknown)));
  }
  if (failures[0]) throw failures[0];
  return outcomes;

  async function ask(id: string): Promise<VendorFigures | 'unknown' | 'failed'> {
    try {
      return vendorFigures(vendor, await patience(() => vendor.get(id)), clock());
    } catch (error) {
      if (!(error instanceof VendorFailure)) throw error;
      if (error.kind === 'gone') return 'unknown';
      failures.push(error);
      return 'failed';
    }
  }
}
