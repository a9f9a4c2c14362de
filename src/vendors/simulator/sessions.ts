/** What a mint asks for. */
export interface SessionRequest {
  readonly mode: 'FULL' | 'LITE';
  readonly avatarId: string;
  readonly isSandbox: boolean;
  /** Seconds; null if the mint named none. */
  readonly requestedCapSeconds: number | null;
}

/** One session of the simulated account. Moments are epoch milliseconds. */
export interface SimulatedSession extends SessionRequest {
  readonly id: string;
  /** Where it was minted: by a call to the API, or by a page that the vendor itself serves. */
  readonly source: 'API' | 'EMBED';
  readonly createdAt: number;
  readonly startedAt: number | null;
  /** The lower of the requested cap and the tier's, in seconds; known from the start on. Null: without end. */
  readonly capSeconds: number | null;
  readonly lastKeepAliveAt: number | null;
  /** When the client's connection broke, if it did. */
  readonly vanishedAt: number | null;
  readonly endedAt: number | null;
  readonly endReason: string | null;
  /** Minutes paid so far; the account is charged at the beginning of each. */
  readonly minutesCharged: number;
}

export interface End {
  readonly at: number;
  readonly reason: string;
}

/** Sandbox sessions end after about a minute (LiveAvatar documentation, sandbox mode). */
const SANDBOX_SECONDS = 60;
/** Without keep-alive (LiveAvatar documentation, session lifecycle). */
const IDLE_MS = 5 * 60_000;
/** Observed: about three and a half minutes after the client is gone. */
const REAP_MS = 210_000;

export function mintSession(
  id: string,
  request: SessionRequest,
  now: number,
  source: SimulatedSession['source'] = 'API',
): SimulatedSession {
  return {
    ...request,
    id,
    source,
    createdAt: now,
    startedAt: null,
    capSeconds: null,
    lastKeepAliveAt: null,
    vanishedAt: null,
    endedAt: null,
    endReason: null,
    minutesCharged: 0,
  };
}

/** @param tierCapSeconds what the account's tier allows at most; null for no limit */
export function startSession(session: SimulatedSession, tierCapSeconds: number | null, now: number): SimulatedSession {
  const caps = [session.requestedCapSeconds, tierCapSeconds, session.isSandbox ? SANDBOX_SECONDS : null];
  const cap = Math.min(...caps.filter((seconds) => seconds !== null));
  return { ...session, startedAt: now, lastKeepAliveAt: now, capSeconds: Number.isFinite(cap) ? cap : null };
}

export function endSession(session: SimulatedSession, { at, reason }: End): SimulatedSession {
  return { ...session, endedAt: at, endReason: reason };
}

export function isRunning(session: SimulatedSession): boolean {
  return session.startedAt !== null && session.endedAt === null;
}

/** When and why a running session ends if nothing else happens. Of ends at the same moment the cap is named. */
export function plannedEnd(session: SimulatedSession): End {
  const started = session.startedAt ?? Number.POSITIVE_INFINITY;
  const ends: End[] = [
    { at: started + (session.capSeconds ?? Number.POSITIVE_INFINITY) * 1000, reason: 'MAX_DURATION_REACHED' },
    { at: (session.lastKeepAliveAt ?? started) + IDLE_MS, reason: 'IDLE_TIMEOUT' },
    { at: (session.vanishedAt ?? Number.POSITIVE_INFINITY) + REAP_MS, reason: 'ZOMBIE_SESSION_REAP' },
  ];
  return ends.reduce((first, end) => (end.at < first.at ? end : first));
}

/** Milliseconds of stream until `now`, or until the end if that came first; 0 before the start. */
export function elapsedMs(session: SimulatedSession, now: number): number {
  return session.startedAt === null ? 0 : (session.endedAt ?? now) - session.startedAt;
}
