import type { AppDeps } from '../../app/deps.ts';
import { isOver, recogniseToken } from '../../app/recognise-token.ts';
import type { QuotaEvents } from '../../domain/events.ts';
import type { TokenRecord } from '../../domain/store.ts';
import { createAlarm } from '../../graphql/subscriptions/alarm.ts';

export interface SessionEndDeps extends AppDeps {
  readonly events: QuotaEvents;
}

const RETRY_MS = 1_000;

/**
 * Calls back once when the session of a token has ended, on whichever node. Returns the function that stops watching.
 *
 * The end arrives as an event. The record is read again at its deadline, which can be extended, and when events may have been
 * missed. Without the database, a session ends at the last known deadline.
 */
export function watchSessionEnd(
  deps: SessionEndDeps,
  token: string,
  record: TokenRecord,
  onEnd: () => void,
): () => void {
  const { events, clock } = deps;
  let known: TokenRecord | null = record;
  let stopped = false;

  const deadline = createAlarm(clock, check);
  const unsubscribe = events.subscribe(record.userId, {
    changed({ recordId, reason }) {
      if (recordId === record.recordId && reason === 'session_ended') end();
    },
    missed: check,
  });

  async function check(): Promise<void> {
    const read = await recogniseToken(deps, token).then(
      (current) => ({ current }),
      () => null,
    );
    if (stopped) return;
    if (read) known = read.current;
    const endsAt = known?.recordId === record.recordId && !isOver(known, clock()) ? known.expiresAt : null;
    if (endsAt === null) end();
    else deadline.set(read ? endsAt : new Date(Math.min(endsAt.getTime(), clock().getTime() + RETRY_MS)));
  }

  function stop(): void {
    stopped = true;
    unsubscribe();
    deadline.clear();
  }

  function end(): void {
    if (stopped) return;
    stop();
    onEnd();
  }

  // The session may have ended since its record was read.
  void check();
  return stop;
}
