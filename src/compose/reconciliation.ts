import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type ReconcileSummary, reconcile } from '../app/reconcile.ts';
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
  /** @default decisions of its own */
  readonly decisions?: Decisions;
}

/** One comparison with the vendor's books, as far back as last month: for the operator, before the bill is paid. */
export function reconcileMonths(parts: ReconciliationParts): Promise<ReconcileSummary> {
  const { signal } = new AbortController();
  return reconcile({ ...parts, books: createReconciliation(parts), sleep: sleepSeconds, signal }, 'months');
}

/** The comparison again and again; of several nodes one at a time makes it. Null where it is switched off or the vendor has no list. */
export function startReconciliation(
  parts: ReconciliationParts,
  intervalSeconds: number,
  onError: (error: unknown) => void,
): Reconciler | null {
  if (intervalSeconds === 0 || !parts.vendor.capabilities.list) return null;
  const books = createReconciliation(parts);
  return startReconciler({
    async run(signal) {
      if (await books.claim(intervalSeconds)) {
        await reconcile({ ...parts, books, sleep: sleepSeconds, signal }, 'recent');
      }
    },
    intervalSeconds,
    onError,
  });
}

function sleepSeconds(seconds: number, signal: AbortSignal): Promise<void> {
  return sleep(seconds * 1000, undefined, { signal });
}
