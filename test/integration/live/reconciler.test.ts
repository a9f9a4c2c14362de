import { expect, it } from 'vitest';
import { startReconciler } from '../../../src/live/reconciler.ts';

const INTERVAL_SECONDS = 0.01;

it('runs again and again, one run at a time, whatever became of the last', async () => {
  const errors: unknown[] = [];
  let runs = 0;
  let underWay = 0;
  const third = Promise.withResolvers<void>();
  const reconciler = startReconciler({
    async run() {
      underWay += 1;
      expect(underWay).toBe(1);
      await new Promise((done) => setTimeout(done, 3 * INTERVAL_SECONDS * 1000));
      underWay -= 1;
      runs += 1;
      if (runs === 3) third.resolve();
      if (runs === 2) throw new Error('The vendor is down');
    },
    intervalSeconds: INTERVAL_SECONDS,
    onError: (error) => errors.push(error),
  });

  await third.promise;
  await reconciler.stop();

  expect(errors).toEqual([new Error('The vendor is down')]);
});

it('cuts the run under way when it is stopped, says nothing of it, and runs no more', async () => {
  const errors: unknown[] = [];
  let runs = 0;
  const begun = Promise.withResolvers<void>();
  const reconciler = startReconciler({
    run(signal) {
      runs += 1;
      begun.resolve();
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
    intervalSeconds: INTERVAL_SECONDS,
    onError: (error) => errors.push(error),
  });
  await begun.promise;

  await reconciler.stop();

  await new Promise((done) => setTimeout(done, 5 * INTERVAL_SECONDS * 1000));
  expect({ runs, errors }).toEqual({ runs: 1, errors: [] });
});
