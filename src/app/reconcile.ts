import type { Clock } from '../domain/clock.ts';
import { periodAt, periodStart, previousPeriod } from '../domain/period.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import type { Comparison, Horizon, Reconciliation, VendorFigures } from '../domain/reconciliation.ts';
import type { AvatarVendor, UnreadableEntry, VendorSession } from '../domain/vendor.ts';
import { askForUnseen } from './ask-for-unseen.ts';
import { createPatience, type Sleep } from './patience.ts';
import { ImpossibleFigures, storableId, vendorFigures } from './vendor-figures.ts';

/** How much of the list each run reads again: what slipped from page to page, and old tokens that were used late. */
const OVERLAP_MS = 24 * 60 * 60 * 1000;
const BATCH_SIZE = 100;

export interface ReconcileDeps {
  readonly books: Reconciliation;
  readonly vendor: AvatarVendor;
  readonly policy: Pick<QuotaPolicy, 'billingTimeZone'>;
  /** How long after its mint a session's figures are read again. */
  readonly windowSeconds: number;
  readonly clock: Clock;
  readonly sleep: Sleep;
  /** Ends a run between two steps. */
  readonly signal: AbortSignal;
}

/** How many sessions had which outcome. */
export type ReconcileSummary = Readonly<Record<Comparison, number>>;

/**
 * Compares our books with the vendor's, and corrects them by its figures.
 *
 * First what runs is read, then what has ended, so that a session that ends in between is on the second list; at last the
 * vendor is asked for each session that neither had. Every batch is committed when it is read: a run that is cut, or finds
 * the vendor down, is taken up by the next. A session that cannot be read or booked is set aside and holds up no other.
 *
 * @param reach `recent`: as far back as the last run may have missed something, and as the vendor may have changed its figures;
 * `months`: this month and the last
 * @throws VendorFailure when the vendor cannot be asked
 * @throws ServiceUnavailableError when the database cannot be asked
 */
export async function reconcile(deps: ReconcileDeps, reach: 'recent' | 'months'): Promise<ReconcileSummary> {
  const { books, vendor, clock, signal } = deps;
  const startedAt = clock();
  const patience = createPatience(deps.sleep, signal);
  const since = readFrom(await books.horizon(), reach, startedAt, deps);
  const outcomes: Comparison[] = [];
  /** Not to be asked for one by one. */
  const seenIds: string[] = [];

  const unreadable: UnreadableEntry[] = [];
  const onUnreadable = (entry: UnreadableEntry) => void unreadable.push(entry);

  for await (const sessions of inBatches(vendor.listActive(patience, onUnreadable))) await book(sessions);
  for await (const sessions of inBatches(vendor.listEnded(since, patience, onUnreadable))) await book(sessions);
  for (const { avatarSessionId, problem } of unreadable) await setAside(avatarSessionId, problem);
  await books.complete(startedAt);
  outcomes.push(...(await askForUnseen({ books, vendor, clock, patience }, seenIds, startedAt)));
  return summarise(outcomes);

  async function book(sessions: readonly VendorSession[]): Promise<void> {
    signal.throwIfAborted();
    const { active, ended } = await read(sessions);
    const ofActive = await books.bookActive(active, startedAt);
    const ofEnded = await books.bookEnded(ended);
    seenIds.push(...active.filter((_, index) => ofActive[index] !== 'unused').map(idOf));
    seenIds.push(...ended.filter((_, index) => ofEnded[index] === 'failed').map(idOf));
    outcomes.push(...ofActive, ...ofEnded);
  }

  /** Sets aside what cannot be read. */
  async function read(sessions: readonly VendorSession[]) {
    const figures: VendorFigures[] = [];
    for (const session of sessions) {
      try {
        figures.push(vendorFigures(vendor, session, clock()));
      } catch (error) {
        if (!(error instanceof ImpossibleFigures)) throw error;
        await setAside(session.avatarSessionId, error.message);
      }
    }
    return {
      active: figures.filter(({ endedAt }) => endedAt === null),
      ended: figures.filter(({ endedAt }) => endedAt !== null),
    };
  }

  async function setAside(avatarSessionId: string | null, problem: string): Promise<void> {
    outcomes.push('failed');
    if (avatarSessionId === null) return;
    const id = storableId(avatarSessionId);
    await books.setAside(id, problem);
    seenIds.push(id);
  }
}

const idOf = ({ avatarSessionId }: VendorFigures) => avatarSessionId;

function readFrom(
  { completedAt, oldestOpenAt }: Horizon,
  reach: 'recent' | 'months',
  now: Date,
  { policy, windowSeconds }: ReconcileDeps,
): Date {
  const period = periodAt(now, policy.billingTimeZone);
  if (reach === 'months') return periodStart(previousPeriod(period), policy.billingTimeZone);
  const from = completedAt
    ? completedAt.getTime() - OVERLAP_MS
    : Math.min(periodStart(period, policy.billingTimeZone).getTime(), (oldestOpenAt ?? now).getTime());
  return new Date(Math.min(from, now.getTime() - windowSeconds * 1000));
}

async function* inBatches(sessions: AsyncIterable<VendorSession>): AsyncGenerator<VendorSession[]> {
  let batch: VendorSession[] = [];
  for await (const session of sessions) {
    batch.push(session);
    if (batch.length < BATCH_SIZE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function summarise(outcomes: readonly Comparison[]): ReconcileSummary {
  const summary: Record<Comparison, number> = {
    corrected: 0,
    confirmed: 0,
    known: 0,
    running: 0,
    started: 0,
    stopped: 0,
    unused: 0,
    unattributed: 0,
    failed: 0,
  };
  for (const outcome of outcomes) summary[outcome] += 1;
  return summary;
}
