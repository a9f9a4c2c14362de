import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type ReconcileSummary, reconcile } from '../app/reconcile.ts';
import type { DecisionClock } from '../database/decision-clock.ts';
import type { Decisions } from '../database/decisions.ts';
import { createReconciliation } from '../database/reconciliation.ts';
import type { Clock } from '../domain/clock.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import type { AvatarVendor } from '../domain/vendor.ts';
import { type Reconciler, startReconciler } from '../live/reconciler.ts';

interface ReconciliationParts {
  readonly pool: pg.Pool;
  readonly policy: QuotaPolicy;
  readonly vendor: AvatarVendor;
  readonly clock: Clock;
  readonly decisionClock: DecisionClock;
  /** @default decisions of its own */
  readonly decisions?: Decisions;
}

/** One comparison with the vendor's books, as far back as last month: for the operator, before the bill is paid. */
export function reconcileMonths(parts: ReconciliationParts): Promise<ReconcileSummary> {
  const { signal } = new AbortController();
  const books = createReconciliation(parts);
  return reconcile({ ...parts, books, windowSeconds: 0, sleep: sleepSeconds, signal }, 'months');
}

interface ReconciliationOptions {
  /** Between two runs; 0 for none. */
  readonly intervalSeconds: number;
  /** How long a session's figures are read again, from its mint on. */
  readonly windowSeconds: number;
  /** Hears after a run how many sessions could not be compared. */
  readonly onSetAside: (sessions: number) => void;
  readonly onError: (error: unknown) => void;
}

/** The comparison again and again; of several nodes one at a time makes it. Null where it is switched off or the vendor has no list. */
export function startReconciliation(
  parts: ReconciliationParts,
  { intervalSeconds, windowSeconds, onSetAside, onError }: ReconciliationOptions,
): Reconciler | null {
  if (intervalSeconds === 0 || !parts.vendor.capabilities.list) return null;
  const books = createReconciliation(parts);
  return startReconciler({
    async run(signal) {
      if (!(await books.claim(intervalSeconds))) return;
      const { failed } = await reconcile({ ...parts, books, windowSeconds, sleep: sleepSeconds, signal }, 'recent');
      if (failed > 0) onSetAside(failed);
    },
    intervalSeconds,
    onError,
  });
}

function sleepSeconds(seconds: number, signal: AbortSignal): Promise<void> {
  return sleep(seconds * 1000, undefined, { signal });
}
