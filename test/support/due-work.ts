import { expect } from 'vitest';
import { createDueWork } from '../../src/database/due-work.ts';
import type { Admission } from '../../src/domain/admission.ts';
import type { DueWork } from '../../src/domain/due-work.ts';
import type { HoldRequest } from '../../src/domain/store.ts';
import type { TestStore } from './store.ts';

/** Missed heartbeats count without grace: the service was never away. */
export const ALWAYS = new Date(0);

interface NodeOptions {
  /** Whose stops it delivers. @default 'simulator' */
  readonly vendorName?: string;
  /** How far its clock is behind the test's. @default 0 */
  readonly secondsBehind?: number;
}

/** The due work of a node on the store's database. */
export function dueWork({ pool, policy, clock }: TestStore, options: NodeOptions = {}): DueWork {
  const { vendorName = 'simulator', secondsBehind = 0 } = options;
  const clockOfNode = () => new Date(clock.now().getTime() - secondsBehind * 1000);
  return createDueWork({ pool, policy, vendorName, clock: clockOfNode });
}

/** The vendor stops everything that it is asked to stop, and its figures are not waited for. */
export async function confirmStops(test: TestStore): Promise<void> {
  for (const { recordId, userId } of await dueWork(test).claimStops('all')) {
    await test.store.confirmStop({ recordId, userId, word: 'stopped', expectsFigures: false });
  }
}

/** Asks for a token whose conversation has a running session: granted once the vendor has confirmed that session's stop. */
export async function holdAfterStop(test: TestStore, request: HoldRequest, store = test.store): Promise<Admission> {
  expect(await store.hold(request)).toMatchObject({ prospect: { isStopping: true } });
  await confirmStops(test);
  return store.hold(request);
}

/** Sweeps until nothing is due, as the sweeper does. */
export async function sweepAll(test: TestStore, lapsesFrom = ALWAYS): Promise<void> {
  const work = dueWork(test);
  while ((await work.sweep(lapsesFrom)) > 0);
}
