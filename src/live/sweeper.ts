import type { Clock } from '../domain/clock.ts';
import type { DueWork } from '../domain/due-work.ts';

/** With nothing announced, the database is asked again after this, in case an announcement was lost. */
const LONGEST_SLEEP_MS = 60_000;
/** Between two looks at work that is due but held by another node, and after a failure. */
const SHORTEST_SLEEP_MS = 50;
const SLEEP_AFTER_FAILURE_MS = 1_000;

interface SweeperOptions {
  readonly work: DueWork;
  /** Tells the vendor what to stop. */
  readonly deliverStops: () => Promise<unknown>;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

export interface Sweeper {
  /** Looks again no later than at this moment. */
  wake(at: Date): void;
  /** Resolves when the work under way is done; no more follows. */
  stop(): Promise<void>;
}

/**
 * Does what falls due, on time: one sleeper per node, woken at the next due moment that the database knows.
 *
 * Stops are delivered beside the sweep, so that a slow vendor delays no deadline.
 */
export function startSweeper({ work, deliverStops, clock, onError }: SweeperOptions): Sweeper {
  let timer: NodeJS.Timeout | undefined;
  let wakeAt = Number.POSITIVE_INFINITY;
  let sweeping: Promise<void> | null = null;
  const deliveries = new Set<Promise<void>>();
  let stopped = false;

  function wake(at: Date): void {
    if (stopped || at.getTime() >= wakeAt) return;
    wakeAt = at.getTime();
    if (sweeping) return;
    clearTimeout(timer);
    const sleep = Math.min(Math.max(wakeAt - clock().getTime(), 0), LONGEST_SLEEP_MS);
    timer = setTimeout(() => {
      sweeping = sweep();
    }, sleep);
  }

  async function sweep(): Promise<void> {
    wakeAt = Number.POSITIVE_INFINITY;
    let shortest = SHORTEST_SLEEP_MS;
    let next: Date | null = null;
    try {
      while ((await work.sweepRecords()) > 0 && !stopped);
      while ((await work.sweepThresholds()) > 0 && !stopped);
      startDelivery();
      next = await work.nextDue();
    } catch (error) {
      onError(error);
      shortest = SLEEP_AFTER_FAILURE_MS;
    }
    sweeping = null;
    const earliest = clock().getTime() + shortest;
    const latest = clock().getTime() + LONGEST_SLEEP_MS;
    const announced = wakeAt;
    wakeAt = Number.POSITIVE_INFINITY;
    wake(new Date(Math.max(Math.min(announced, next?.getTime() ?? latest, latest), earliest)));
  }

  function startDelivery(): void {
    const delivery = deliverStops()
      .then(() => {}, onError)
      .finally(() => deliveries.delete(delivery));
    deliveries.add(delivery);
  }

  wake(clock());
  return {
    wake,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await sweeping;
      await Promise.all(deliveries);
    },
  };
}
