import { expect, test } from 'vitest';
import { createUserBatcher, type Stragglers, type UserCalls } from '../../../src/database/user-batcher.ts';

/** A batcher whose batches end when the test says so. */
function manualBatcher(options: { maxUsers?: number; maxBatches?: number } = {}) {
  const batches: { readonly calls: readonly UserCalls<string>[]; readonly end: (left?: Stragglers) => void }[] = [];
  const { submit, takeWaiting } = createUserBatcher<string>({
    ...options,
    run: (calls) =>
      new Promise((resolve) => {
        batches.push({ calls, end: (left) => resolve(left ?? null) });
      }),
  });
  /** Each batch as `user: calls`. */
  const travelling = () => batches.map(({ calls }) => calls.map(({ userId, calls: each }) => `${userId}: ${each}`));
  return { batches, submit, takeWaiting, travelling };
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('calls of one turn travel together, those of one user in their order', async () => {
  const { submit, travelling } = manualBatcher();
  submit('ann', 'hold');
  submit('bob', 'end');
  submit('ann', 'attach');
  await nextTurn();
  expect(travelling()).toEqual([['ann: hold,attach', 'bob: end']]);
});

test('a user is never in two batches at once, and others do not wait for that', async () => {
  const { batches, submit, travelling } = manualBatcher();
  submit('ann', 'start');
  await nextTurn();
  submit('ann', 'end');
  submit('bob', 'hold');
  await nextTurn();
  expect(travelling()).toEqual([['ann: start'], ['bob: hold']]);
  batches[0]?.end();
  await nextTurn();
  expect(travelling().at(-1)).toEqual(['ann: end']);
});

test('a flood of one user takes 50 calls of a batch, and its rest waits behind the others', async () => {
  const { batches, submit } = manualBatcher({ maxUsers: 1, maxBatches: 1 });
  for (let call = 0; call < 60; call++) submit('ann', `${call}`);
  submit('bob', 'hold');
  await nextTurn();
  batches[0]?.end();
  await nextTurn();
  batches[1]?.end();
  await nextTurn();
  expect(batches.flatMap(({ calls }) => calls.map((each) => [each.userId, each.calls.length]))).toEqual([
    ['ann', 50],
    ['bob', 1],
    ['ann', 10],
  ]);
});

test('a user who takes longer stays busy, and the next batch begins without them', async () => {
  const { batches, submit, travelling } = manualBatcher({ maxBatches: 1 });
  const slow = Promise.withResolvers<void>();
  submit('ann', 'start');
  submit('bob', 'start');
  await nextTurn();
  for (const userId of ['ann', 'bob']) submit(userId, 'end');
  batches[0]?.end({ userIds: ['ann'], done: slow.promise });
  await nextTurn();
  expect(travelling().at(-1)).toEqual(['bob: end']);

  batches[1]?.end();
  slow.resolve();
  await nextTurn();
  expect(travelling().at(-1)).toEqual(['ann: end']);
});

test('calls that wait behind a batch can be taken, and are not carried out', async () => {
  const { batches, submit, takeWaiting, travelling } = manualBatcher({ maxBatches: 1 });
  submit('ann', 'start');
  await nextTurn();
  submit('ann', 'end');
  submit('bob', 'hold');
  expect(takeWaiting()).toEqual(['end', 'hold']);
  batches[0]?.end();
  await nextTurn();
  expect(travelling()).toEqual([['ann: start']]);

  submit('ann', 'attach');
  await nextTurn();
  expect(travelling().at(-1)).toEqual(['ann: attach']);
});
