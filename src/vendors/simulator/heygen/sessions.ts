import type { Micros } from '../../../domain/money.ts';

/** What opens a session. */
export interface HeyGenSessionRequest {
  readonly avatarName: string;
  /** Seconds without activity after which it ends. */
  readonly idleSeconds: number;
}

/** One session of the simulated HeyGen account. Moments are epoch milliseconds. */
export interface HeyGenSession extends HeyGenSessionRequest {
  readonly id: string;
  /** What opened it: a token, or null for the account's key. */
  readonly token: string | null;
  /** The meter runs from here, also if it is never started. */
  readonly createdAt: number;
  readonly startedAt: number | null;
  /** The account's own cap in seconds; null for none. */
  readonly capSeconds: number | null;
  readonly lastActivityAt: number;
  /** The texts that it was asked to speak. */
  readonly tasks: readonly string[];
  readonly endedAt: number | null;
}

export type HeyGenStatus = 'new' | 'connected' | 'closed';

/** 0.2 credits a minute (HeyGen's API reference, limits), reported in sixtieths of a credit. */
const QUOTA_PER_SECOND: Micros = 200_000n;
const MINIMUM_SECONDS = 30;

export const MINIMUM_QUOTA = QUOTA_PER_SECOND * BigInt(MINIMUM_SECONDS);

export function statusOf(session: HeyGenSession): HeyGenStatus {
  if (session.endedAt !== null) return 'closed';
  return session.startedAt === null ? 'new' : 'connected';
}

/** When a running session ends if nothing else happens. */
export function plannedEnd(session: HeyGenSession): number {
  const cap = (session.capSeconds ?? Number.POSITIVE_INFINITY) * 1000;
  return Math.min(session.createdAt + cap, session.lastActivityAt + session.idleSeconds * 1000);
}

/** Whole seconds, a started one included, until `now` or until the end if that came first. */
export function durationSeconds(session: HeyGenSession, now: number): number {
  return Math.ceil(((session.endedAt ?? now) - session.createdAt) / 1000);
}

/** What a session takes of the quota, in millionths: 30 seconds at least, then by the second. */
export function billedQuota(session: HeyGenSession, now: number): Micros {
  return QUOTA_PER_SECOND * BigInt(Math.max(durationSeconds(session, now), MINIMUM_SECONDS));
}
