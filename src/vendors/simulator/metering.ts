import { type Micros, parseMoney } from '../../domain/money.ts';
import { endSession, plannedEnd, type SessionRequest, type SimulatedSession } from './sessions.ts';

const MINUTE_MS = 60_000;

/** Credits a minute (LiveAvatar documentation, FAQ on credits): FULL 2, LITE 1, sandbox nothing. */
export function creditsPerMinute({ mode, isSandbox }: Pick<SessionRequest, 'mode' | 'isSandbox'>): Micros {
  if (isSandbox) return 0n;
  return parseMoney(mode === 'FULL' ? '2' : '1');
}

export interface Metered {
  /** The same sessions, in the same order, as they are at that moment. */
  readonly sessions: readonly SimulatedSession[];
  readonly credits: Micros;
}

/** Pays the first minute, which a start needs; null if the credits do not reach. */
export function chargeStart(session: SimulatedSession, credits: Micros): Metered | null {
  const price = creditsPerMinute(session);
  return credits < price ? null : { sessions: [{ ...session, minutesCharged: 1 }], credits: credits - price };
}

/**
 * Running sessions and the credits that they share, moved on to `now`.
 *
 * Every minute is paid when it begins, in the order of time over all sessions; where the credits do not reach, the
 * session ends at that very moment with NO_CREDITS. A minute that begins exactly at `now` is not paid yet, so that a
 * session of 60.000 seconds costs one minute. The rounding of the last minute is not documented; this rounds up.
 */
export function meter(running: readonly SimulatedSession[], credits: Micros, now: number): Metered {
  const sessions = [...running];
  let left = credits;
  for (const { index, at } of minutesBegun(running, now)) {
    const session = sessions[index];
    if (!session || session.endedAt !== null) continue;
    const price = creditsPerMinute(session);
    if (left < price) {
      sessions[index] = endSession(session, { at, reason: 'NO_CREDITS' });
    } else if (at < now) {
      left -= price;
      sessions[index] = { ...session, minutesCharged: session.minutesCharged + 1 };
    }
  }
  return {
    sessions: sessions.map((session) => {
      const end = plannedEnd(session);
      return session.endedAt === null && end.at <= now ? endSession(session, end) : session;
    }),
    credits: left,
  };
}

/** When {@link meter} next has something to do for a running session, in epoch milliseconds. */
export function nextDue(session: SimulatedSession): number {
  return Math.min(nextMinute(session), plannedEnd(session).at);
}

function nextMinute(session: SimulatedSession): number {
  return (session.startedAt ?? Number.POSITIVE_INFINITY) + session.minutesCharged * MINUTE_MS;
}

/** The minutes not paid yet that begin at or before `now` and before their session's end, earliest first. */
function minutesBegun(running: readonly SimulatedSession[], now: number): { index: number; at: number }[] {
  const minutes = running.flatMap((session, index) => {
    const end = plannedEnd(session).at;
    const found: { index: number; at: number }[] = [];
    for (let at = nextMinute(session); at <= now && at < end; at += MINUTE_MS) found.push({ index, at });
    return found;
  });
  return minutes.sort((one, other) => one.at - other.at);
}
