import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../domain/clock.ts';
import type { DueWork } from '../domain/due-work.ts';

/** With nothing announced, the database is asked again after this, in case an announcement was lost. */
const LONGEST_SLEEP_MS = 60_000;
/** Between two looks at work that is due but held by another node, and after a failure. */
const SHORTEST_SLEEP_MS = 50;
const SLEEP_AFTER_FAILURE_MS = 1_000;
/** How long the last work may take, at the end. What is not done then is done by another node, or at the next start. */
const LAST_WORK_MS = 3_000;
/** A longer time without a sweep means that this node, or the database, was away. */
const LONGEST_ABSENCE_MS = LONGEST_SLEEP_MS + 30_000;
/** A timer that is later than this was set before the clock jumped: timers do not see a machine's sleep, or its clock being set. */
const LATE_TIMER_MS = 1_000;

interface SweeperOptions {
  readonly work: DueWork;
  /** Tells the vendor what to stop: what is due from a moment on, or all that is pending. */
  readonly deliverStops: (which: 'due' | 'all', dueFrom?: Date) => Promise<unknown>;
  /** After its last heartbeat a session ends in so many seconds. */
  readonly heartbeatLapseSeconds: number;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

export interface Sweeper {
  /** Looks again no later than at this moment. */
  wake(at: Date): void;
  /** Resolves when the work under way is done and pending stops were tried once more, or soon after; no more follows. */
  stop(): Promise<void>;
}

/**
 * Does what falls due, on time: one sleeper per node, woken at the next due moment that the database knows.
 *
 * Stops are delivered beside the sweep, so that a slow vendor delays no deadline.
 */
export function startSweeper({ work, deliverStops, heartbeatLapseSeconds, clock, onError }: SweeperOptions): Sweeper {
  let timer: NodeJS.Timeout | undefined;
  let wakeAt = Number.POSITIVE_INFINITY;
  /** Nothing is due before: the next due moment that the last sweep found, or an earlier one that was announced since. */
  let dueFrom = 0;
  let lastSearch = Number.NEGATIVE_INFINITY;
  let sweeping: Promise<void> | null = null;
  const deliveries = new Set<Promise<void>>();
  let lastSweep = Number.NEGATIVE_INFINITY;
  let lapsesFrom = new Date(0);
  let stopped = false;
  let abandoned = false;

  function wake(at: Date): void {
    const now = clock().getTime();
    const isLate = wakeAt < now - LATE_TIMER_MS;
    if (stopped || (at.getTime() >= wakeAt && !isLate)) return;
    wakeAt = isLate ? now : at.getTime();
    dueFrom = Math.min(dueFrom, at.getTime());
    if (sweeping) return;
    clearTimeout(timer);
    const sleep = Math.min(Math.max(wakeAt - now, 0), LONGEST_SLEEP_MS);
    timer = setTimeout(() => {
      sweeping = sweep();
    }, sleep);
  }

  async function sweep(): Promise<void> {
    wakeAt = Number.POSITIVE_INFINITY;
    const from = searchFrom();
    let shortest = SHORTEST_SLEEP_MS;
    let next: Date | null = null;
    noteAbsence();
    try {
      startDelivery(from);
      while (!stopped && (await work.sweep(lapsesFrom, from)) > 0);
      next = await work.nextDue(from);
      lastSweep = clock().getTime();
    } catch (error) {
      report(error);
      next = new Date(0);
      shortest = SLEEP_AFTER_FAILURE_MS;
      lastSweep = Number.NEGATIVE_INFINITY;
    }
    sweeping = null;
    const earliest = clock().getTime() + shortest;
    const latest = clock().getTime() + LONGEST_SLEEP_MS;
    const due = Math.min(wakeAt, next?.getTime() ?? latest, latest);
    wakeAt = Number.POSITIVE_INFINITY;
    wake(new Date(Math.max(due, earliest)));
    dueFrom = due;
  }

  /** From when on work is searched. Once a minute it is all searched, in case an announcement was lost. */
  function searchFrom(): Date {
    const now = clock().getTime();
    const isComplete = Math.abs(now - lastSearch) >= LONGEST_SLEEP_MS;
    if (isComplete) lastSearch = now;
    const from = isComplete ? 0 : dueFrom;
    dueFrom = Number.POSITIVE_INFINITY;
    return new Date(from);
  }

  /** While service or database were away, no heartbeat could be noted: clients are given the time to send the next. */
  function noteAbsence(): void {
    const now = clock().getTime();
    if (now - lastSweep > LONGEST_ABSENCE_MS) lapsesFrom = new Date(now + heartbeatLapseSeconds * 1000);
  }

  function startDelivery(from: Date): void {
    const delivery = deliverStops('due', from)
      .then(() => {}, report)
      .finally(() => deliveries.delete(delivery));
    deliveries.add(delivery);
  }

  function report(error: unknown): void {
    if (!abandoned) onError(error);
  }

  async function finish(): Promise<void> {
    await sweeping;
    await Promise.all(deliveries);
    await deliverStops('all').catch(report);
  }

  wake(clock());
  return {
    wake,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await Promise.race([finish(), sleep(LAST_WORK_MS, undefined, { ref: false })]);
      abandoned = true;
    },
  };
}
