import { randomUUID } from 'node:crypto';
import type { Micros } from '../../../domain/money.ts';
import type { AccountLimits } from '../account.ts';
import { concurrencyReached, noQuota, sessionNotFound, wrongState } from './answers.ts';
import {
  billedQuota,
  type HeyGenSession,
  type HeyGenSessionRequest,
  type HeyGenStatus,
  MINIMUM_QUOTA,
  plannedEnd,
  statusOf,
} from './sessions.ts';

const QUOTA_PER_CREDIT = 60n;

/**
 * The simulated HeyGen account. No timers: what the passage of time has done to sessions is computed when they are read.
 *
 * Nobody has documented that a running session ends for lack of quota, so it does not; a new one is refused.
 *
 * `now` is epoch milliseconds and never goes back. Refusals are thrown as answers.
 */
export class HeyGenAccount {
  readonly #limits: AccountLimits;
  /** In the order of their beginning. */
  readonly #sessions = new Map<string, HeyGenSession>();
  readonly #running = new Set<string>();
  /** By sessions that are over, in millionths. */
  #spent: Micros = 0n;

  constructor(limits: AccountLimits) {
    this.#limits = limits;
  }

  /** The meter begins here. One token opens any number of sessions. */
  open(request: HeyGenSessionRequest, token: string | null, now: number): HeyGenSession {
    this.#advance(now);
    if (this.#running.size >= this.#limits.maxConcurrency) throw concurrencyReached();
    if (this.#quota(now) < MINIMUM_QUOTA) throw noQuota();
    return this.#keep({
      ...request,
      id: randomUUID(),
      token,
      createdAt: now,
      startedAt: null,
      capSeconds: this.#limits.maxSessionSeconds,
      lastActivityAt: now,
      tasks: [],
      endedAt: null,
    });
  }

  start(id: string, now: number): void {
    this.#keep({ ...this.#find(id, ['new'], now), startedAt: now, lastActivityAt: now });
  }

  task(id: string, text: string, now: number): void {
    const session = this.#find(id, ['connected'], now);
    this.#keep({ ...session, tasks: [...session.tasks, text], lastActivityAt: now });
  }

  keepAlive(id: string, now: number): void {
    this.#keep({ ...this.#find(id, ['new', 'connected'], now), lastActivityAt: now });
  }

  stop(id: string, now: number): void {
    this.#keep({ ...this.#find(id, ['new', 'connected'], now), endedAt: now });
  }

  /** All sessions as of `now`, in the order of their beginning. */
  sessions(now: number): HeyGenSession[] {
    this.#advance(now);
    return [...this.#sessions.values()];
  }

  /** Sixtieths of a credit, in millionths; never below zero. */
  quotaLeft(now: number): Micros {
    this.#advance(now);
    const left = this.#quota(now);
    return left > 0n ? left : 0n;
  }

  #quota(now: number): Micros {
    let left = this.#limits.credits * QUOTA_PER_CREDIT - this.#spent;
    for (const session of this.#runningSessions()) left -= billedQuota(session, now);
    return left;
  }

  #find(id: string, states: readonly HeyGenStatus[], now: number): HeyGenSession {
    this.#advance(now);
    const session = this.#sessions.get(id);
    if (!session) throw sessionNotFound();
    if (!states.includes(statusOf(session))) throw wrongState(statusOf(session));
    return session;
  }

  #advance(now: number): void {
    for (const session of this.#runningSessions()) {
      const endedAt = plannedEnd(session);
      if (endedAt <= now) this.#keep({ ...session, endedAt });
    }
  }

  #runningSessions(): HeyGenSession[] {
    return [...this.#running].flatMap((id) => this.#sessions.get(id) ?? []);
  }

  #keep(session: HeyGenSession): HeyGenSession {
    this.#sessions.set(session.id, session);
    if (session.endedAt === null) {
      this.#running.add(session.id);
    } else if (this.#running.delete(session.id)) {
      this.#spent += billedQuota(session, session.endedAt);
    }
    return session;
  }
}
