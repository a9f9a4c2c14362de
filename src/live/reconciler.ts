import { setTimeout as sleep } from 'node:timers/promises';

/** How long the run under way may take to stop, at the end. What is not booked then is booked by the next run. */
const LAST_WORK_MS = 3_000;

interface ReconcilerOptions {
  /** One run; it rejects when the signal is aborted. */
  readonly run: (signal: AbortSignal) => Promise<unknown>;
  /** Between the end of one run and the beginning of the next, and before the first. */
  readonly intervalSeconds: number;
  readonly onError: (error: unknown) => void;
}

export interface Reconciler {
  /** Cuts the run under way and resolves when it has stopped, or soon after; no more follows. */
  stop(): Promise<void>;
}

/** Compares the books with the vendor's again and again: one run at a time, whatever became of the last. */
export function startReconciler({ run, intervalSeconds, onError }: ReconcilerOptions): Reconciler {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let timer = schedule();

  function schedule(): NodeJS.Timeout {
    return setTimeout(() => {
      running = runOnce();
    }, intervalSeconds * 1000);
  }

  async function runOnce(): Promise<void> {
    try {
      await run(stopping.signal);
    } catch (error) {
      if (!stopping.signal.aborted) onError(error);
    }
    if (!stopping.signal.aborted) timer = schedule();
  }

  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await Promise.race([running, sleep(LAST_WORK_MS, undefined, { ref: false })]);
    },
  };
}
