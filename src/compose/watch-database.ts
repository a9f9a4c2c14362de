import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Clock } from '../domain/clock.ts';
import { createOutageLog } from '../server/outage-log.ts';

/** Between two checks while the database, or the LISTEN connection, is away. */
const CHECK_MS = 1_000;

interface DatabaseWatchOptions {
  /** Resolves when the database answers. */
  readonly probe: () => Promise<unknown>;
  /** Whether the LISTEN connection stands. */
  readonly isListening: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface DatabaseWatch {
  /** Some part failed as if the database were unreachable. Starts checking, until everything answers. */
  suspect(): void;
  /** Checks and logs no more. */
  stop(): void;
}

/** Logs the outages of the database on behalf of all parts that use it. A healthy database costs nothing. */
export function watchDatabase({ probe, isListening, clock, log }: DatabaseWatchOptions): DatabaseWatch {
  const database = createOutageLog({
    messages: {
      begun: 'Database unreachable, retrying',
      lasting: 'Database still unreachable, retrying',
      ended: 'Database reachable again',
    },
    clock,
    log,
  });
  const listening = createOutageLog({
    messages: {
      begun: 'LISTEN connection lost, reconnecting',
      lasting: 'LISTEN connection still lost, reconnecting',
      ended: 'LISTEN connection restored',
    },
    clock,
    log,
  });
  const stopping = new AbortController();
  let checking = false;

  async function checkUntilSound(): Promise<void> {
    // The LISTEN connection reconnects a moment after the database is back: only a second miss is one.
    let missedListening = false;
    while (!stopping.signal.aborted) {
      const failure = await probe().then(
        () => null,
        (error: unknown) => ({ error }),
      );
      if (stopping.signal.aborted) return;
      if (failure) {
        database.failed(failure.error);
      } else {
        database.recovered();
        if (isListening()) return listening.recovered();
        if (missedListening) listening.failed(new Error('the database answers on other connections'));
      }
      missedListening = failure === null;
      await sleep(CHECK_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  return {
    suspect() {
      if (checking) return;
      checking = true;
      void checkUntilSound().finally(() => {
        checking = false;
      });
    },
    stop: () => stopping.abort(),
  };
}
