import type pg from 'pg';
import { deliverStops } from '../app/deliver-stops.ts';
import type { AppDeps } from '../app/deps.ts';
import type { DecisionClock } from '../database/decision-clock.ts';
import type { Decisions } from '../database/decisions.ts';
import { createDueWork } from '../database/due-work.ts';
import { heartbeatLapseSeconds } from '../domain/policy.ts';
import { type Sweeper, startSweeper as start } from '../live/sweeper.ts';

interface SweeperParts {
  readonly pool: pg.Pool;
  readonly decisionClock: DecisionClock;
  readonly decisions: Decisions;
  /** Whether the vendor's own figures of ended sessions are read. */
  readonly expectsFigures: boolean;
}

/** Does what falls due in the database, and tells the vendor what to stop. */
export function startSweeper(
  { store, policy, vendor, clock }: AppDeps,
  { pool, decisionClock, decisions, expectsFigures }: SweeperParts,
  onError: (error: unknown) => void,
): Sweeper {
  const work = createDueWork({ pool, policy, vendorName: vendor.name, clock, decisionClock, decisions });
  return start({
    work,
    deliverStops: (which, dueFrom) => deliverStops({ work, store, vendor, expectsFigures, clock }, which, dueFrom),
    heartbeatLapseSeconds: heartbeatLapseSeconds(policy),
    clock,
    onError,
  });
}
