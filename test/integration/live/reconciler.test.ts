import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startReconciler } from '../../../src/live/reconciler.ts';

const INTERVAL_SECONDS = 300;
const INTERVAL_MS = INTERVAL_SECONDS * 1000;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** A reconciler whose runs end when the test ends them. */
function start() {
  const runs: (PromiseWithResolvers<void> & { readonly signal: AbortSignal })[] = [];
  const errors: unknown[] = [];
  const reconciler = startReconciler({
    run(signal) {
      const run = { ...Promise.withResolvers<void>(), signal };
      signal.addEventListener('abort', () => run.reject(signal.reason));
      runs.push(run);
      return run.promise;
    },
    intervalSeconds: INTERVAL_SECONDS,
    onError: (error) => errors.push(error),
  });
  return { reconciler, runs, errors };
}

it('runs after each interval, one run at a time, whatever became of the last', async () => {
  const { reconciler, runs, errors } = start();
  await vi.advanceTimersByTimeAsync(INTERVAL_MS - 1);
  expect(runs).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(runs).toHaveLength(1);

  await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS);
  expect(runs).toHaveLength(1);
  runs[0]?.reject(new Error('The vendor is down'));
  await vi.advanceTimersByTimeAsync(INTERVAL_MS);
  expect(runs).toHaveLength(2);
  runs[1]?.resolve();
  await vi.advanceTimersByTimeAsync(INTERVAL_MS);
  expect(runs).toHaveLength(3);

  expect(errors).toEqual([new Error('The vendor is down')]);
  await reconciler.stop();
});

it('cuts the run under way when it is stopped, says nothing of it, and runs no more', async () => {
  const { reconciler, runs, errors } = start();
  await vi.advanceTimersByTimeAsync(INTERVAL_MS);

  await reconciler.stop();

  expect(runs[0]?.signal.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS);
  expect({ runs: runs.length, errors, timers: vi.getTimerCount() }).toEqual({ runs: 1, errors: [], timers: 0 });
});
