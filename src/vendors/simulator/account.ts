import { randomUUID } from 'node:crypto';
import type { Micros } from '../../domain/money.ts';
import { concurrencyReached, noCredits, refuse, sessionNotFound } from './answers.ts';
import { chargeStart, meter, nextDue } from './metering.ts';
import {
  endSession,
  isRunning,
  mintSession,
  type SessionRequest,
  type SimulatedSession,
  startSession,
} from './sessions.ts';

export interface AccountLimits {
  readonly credits: Micros;
  /** Sessions running at once. */
  readonly maxConcurrency: number;
  /** The tier's cap in seconds; null for none. */
  readonly maxSessionSeconds: number | null;
}

/**
 * The simulated account. No timers: whatever the passage of time has done to sessions and credits is computed when
 * it is read, as of the moment it happened.
 *
 * `now` is epoch milliseconds and never goes back. Refusals are thrown as answers.
 */
export class Account {
  readonly #limits: AccountLimits;
  /** In the order of their mint. */
  readonly #sessions = new Map<string, SimulatedSession>();
  readonly #running = new Set<string>();
  #credits: Micros;
  /** Before this moment time changes nothing. May be too early, never too late. */
  #nextDue = Number.POSITIVE_INFINITY;

  constructor(limits: AccountLimits) {
    this.#limits = limits;
    this.#credits = limits.credits;
  }

  mint(request: SessionRequest, now: number): SimulatedSession {
    return this.#keep(mintSession(randomUUID(), request, now));
  }

  /** A visitor starts a session on a page that the vendor itself serves: nobody asks for a token. */
  embed(request: SessionRequest, now: number): SimulatedSession {
    return this.start(this.#keep(mintSession(randomUUID(), request, now, 'EMBED')).id, now);
  }

  /** Refusals are checked in the order concurrency, credits; a refused token can be started later. */
  start(id: string, now: number): SimulatedSession {
    const minted = this.find(id, now);
    if (minted.startedAt !== null) {
      throw minted.endedAt === null ? refuse(400, 4000, 'Session already started') : sessionNotFound();
    }
    if (this.#running.size >= this.#limits.maxConcurrency) throw concurrencyReached();
    const charged = chargeStart(startSession(minted, this.#limits.maxSessionSeconds, now), this.#credits);
    if (!charged?.sessions[0]) throw noCredits();
    this.#credits = charged.credits;
    return this.#keep(charged.sessions[0]);
  }

  /** Sessions that are over or were never started are not found, and a token never started stays good. */
  stop(id: string, reason: string, now: number): void {
    this.#keep(endSession(this.#findRunning(id, now), { at: now, reason }));
  }

  keepAlive(id: string, now: number): void {
    this.#keep({ ...this.#findRunning(id, now), lastKeepAliveAt: now });
  }

  /** The session's client loses its connection and does not come back. */
  vanish(id: string, now: number): void {
    this.#keep({ ...this.#findRunning(id, now), vanishedAt: now });
  }

  /** A session in any state, an unused token included. */
  find(id: string, now: number): SimulatedSession {
    this.#advance(now);
    const session = this.#sessions.get(id);
    if (!session) throw sessionNotFound();
    return session;
  }

  /** All sessions as of `now`, in the order of their mint. */
  sessions(now: number): SimulatedSession[] {
    this.#advance(now);
    return [...this.#sessions.values()];
  }

  creditsLeft(now: number): Micros {
    this.#advance(now);
    return this.#credits;
  }

  /** The bill: what all sessions have taken together. */
  creditsConsumed(now: number): Micros {
    return this.#limits.credits - this.creditsLeft(now);
  }

  #findRunning(id: string, now: number): SimulatedSession {
    const session = this.find(id, now);
    if (!isRunning(session)) throw sessionNotFound();
    return session;
  }

  #advance(now: number): void {
    if (now < this.#nextDue) return;
    const running = [...this.#running].flatMap((id) => this.#sessions.get(id) ?? []);
    const metered = meter(running, this.#credits, now);
    this.#credits = metered.credits;
    this.#nextDue = Number.POSITIVE_INFINITY;
    for (const session of metered.sessions) this.#keep(session);
  }

  #keep(session: SimulatedSession): SimulatedSession {
    this.#sessions.set(session.id, session);
    if (isRunning(session)) {
      this.#running.add(session.id);
      this.#nextDue = Math.min(this.#nextDue, nextDue(session));
    } else {
      this.#running.delete(session.id);
    }
    return session;
  }
}
