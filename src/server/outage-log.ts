import type { Logger } from 'pino';
import type { Clock } from '../domain/clock.ts';

/** Between two lines about an outage that lasts. */
const REMINDER_SECONDS = 30;

/**
 * Turns the failures of everything that needs one dependency into a few lines: one when an outage begins, one every
 * 30 seconds while failures keep being reported, and one when it ends.
 */
export interface OutageLog {
  /** The dependency could not be reached. */
  failed(error: unknown): void;
  /** The dependency answered. */
  recovered(): void;
}

interface OutageLogOptions {
  /** The message of each line: at the beginning, while it lasts, and at the end. */
  readonly messages: { readonly begun: string; readonly lasting: string; readonly ended: string };
  /**
   * An outage ends with the first answer that comes this many seconds after the last failure, so that a dependency that
   * answers every other call is in one outage instead of hundreds. @default 0
   */
  readonly settleSeconds?: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export function createOutageLog({ messages, settleSeconds = 0, clock, log }: OutageLogOptions): OutageLog {
  let outage: { readonly since: number; lastFailure: number; lastLine: number } | null = null;
  const now = () => clock().getTime() / 1000;

  return {
    failed(error) {
      const at = now();
      const reason = reasonOf(error);
      if (!outage) {
        outage = { since: at, lastFailure: at, lastLine: at };
        log.warn({ reason }, messages.begun);
        return;
      }
      outage.lastFailure = at;
      if (at - outage.lastLine < REMINDER_SECONDS) return;
      outage.lastLine = at;
      log.error({ seconds: Math.round(at - outage.since), reason }, messages.lasting);
    },
    recovered() {
      if (!outage || now() - outage.lastFailure < settleSeconds) return;
      log.info({ seconds: Math.round(now() - outage.since) }, messages.ended);
      outage = null;
    },
  };
}

/** The message at the root of an error, or its code: a refused connection to a name with several addresses has no message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}
