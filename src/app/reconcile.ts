import type { Clock } from '../domain/clock.ts';
import { periodAt, periodStart, previousPeriod } from '../domain/period.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import type { Comparison, Horizon, Reconciliation, VendorFigures } from '../domain/reconciliation.ts';
import type { AvatarVendor, VendorSession } from '../domain/vendor.ts';
import { askForUnseen } from './ask-for-unseen.ts';
import { createPatience, type Sleep } from './patience.ts';
import { vendorFigures } from './vendor-figures.ts';

/** How much of the list each run reads again: what slipped from page to page, and old tokens that were used late. */
const OVERLAP_MS = 24 * 60 * 60 * 1000;
const BATCH_SIZE = 100;

export interface ReconcileDeps {
  readonly books: Reconciliation;
  readonly vendor: AvatarVendor;
  readonly policy: Pick<QuotaPolicy, 'billingTimeZone'>;
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
 * the vendor down, is taken up by the next.
 *
 * @param reach `recent`: as far back as the last run may have missed something; `months`: this month and the last
 * @throws VendorFailure when the vendor cannot be asked
 * @throws ServiceUnavailableError when the database cannot be asked
 */
export async function reconcile(deps: ReconcileDeps, reach: 'recent' | 'months'): Promise<ReconcileSummary> {
  const { books, vendor, clock } = deps;
  const startedAt = clock();
  const patience = createPatience(deps.sleep, deps.signal);
  const since = readFrom(await books.horizon(), reach, startedAt, deps.policy.billingTimeZone);
  const outcomes: Comparison[] = [];

  const activeIds: string[] = [];
  for await (const sessions of inBatches(deps, vendor.listActive(patience))) {
    activeIds.push(...sessions.map((session) => session.avatarSessionId));
    outcomes.push(...(await books.bookActive(sessions, startedAt)));
  }
  for await (const sessions of inBatches(deps, vendor.listEnded(since, patience))) {
    outcomes.push(...(await books.bookEnded(sessions)));
  }
  outcomes.push(...(await askForUnseen({ books, vendor, clock, patience }, activeIds, startedAt)));

  await books.complete(startedAt);
  return summarise(outcomes);
}

function readFrom(
  { completedAt, oldestOpenAt }: Horizon,
  reach: 'recent' | 'months',
  now: Date,
  timeZone: string,
): Date {
  const period = periodAt(now, timeZone);
  if (reach === 'months') return periodStart(previousPeriod(period), timeZone);
  if (completedAt) return new Date(completedAt.getTime() - OVERLAP_MS);
  return new Date(Math.min(periodStart(period, timeZone).getTime(), (oldestOpenAt ?? now).getTime()));
}

async function* inBatches(
  { vendor, clock, signal }: ReconcileDeps,
  sessions: AsyncIterable<VendorSession>,
): AsyncGenerator<VendorFigures[]> {
  let batch: VendorFigures[] = [];
  for await (const session of sessions) {
    batch.push(vendorFigures(vendor, session, clock()));
    if (batch.length < BATCH_SIZE) continue;
    signal.throwIfAborted();
    yield batch;
    batch = [];
  }
  signal.throwIfAborted();
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
    unattributed: 0,
  };
  for (const outcome of outcomes) summary[outcome] += 1;
  return summary;
}
