import { createDueWork } from '../../src/database/due-work.ts';
import type { DueWork } from '../../src/domain/due-work.ts';
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

/** Sweeps until nothing is due, as the sweeper does. */
export async function sweepAll(test: TestStore, lapsesFrom = ALWAYS): Promise<void> {
  const work = dueWork(test);
  while ((await work.sweep(lapsesFrom)) > 0);
}
