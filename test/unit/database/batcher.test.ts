import { describe, expect, test } from 'vitest';
import { createBatcher } from '../../../src/database/batcher.ts';

/** A batch that waits for its answer. */
interface Call {
  readonly requests: readonly string[];
  readonly answer: (results?: readonly string[]) => void;
  readonly fail: (error: unknown) => void;
}

/** A statement that the test answers by hand. */
function manualRun() {
  const calls: Call[] = [];
  const run = (requests: readonly string[]) =>
    new Promise<readonly string[]>((resolve, reject) => {
      calls.push({
        requests,
        answer: (results = requests.map((request) => `${request}!`)) => resolve(results),
        fail: reject,
      });
    });
  return { calls, run, travelling: () => calls.map(({ requests }) => requests) };
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
const keyOf = (request: string) => request.charAt(0);
const never = () => false;

test('calls of one turn travel together, and each gets its own answer', async () => {
  const { calls, run, travelling } = manualRun();
  const call = createBatcher({ run, mayBeOneRequest: never });
  const results = Promise.all(['a', 'b', 'c'].map(call));
  await nextTurn();
  expect(travelling()).toEqual([['a', 'b', 'c']]);
  calls[0]?.answer(['1', '2', '3']);
  await expect(results).resolves.toEqual(['1', '2', '3']);
});

test('a call starts within the turn in which it was made', async () => {
  const { run, travelling } = manualRun();
  void createBatcher({ run, mayBeOneRequest: never })('a');
  await Promise.resolve();
  expect(travelling()).toEqual([['a']]);
});

describe('while as many batches are under way as may be', () => {
  test('further calls gather for the next one', async () => {
    const { calls, run, travelling } = manualRun();
    const call = createBatcher({ run, mayBeOneRequest: never, maxBatches: 2 });
    for (const request of ['a', 'b', 'c', 'd']) {
      void call(request);
      await nextTurn();
    }
    expect(travelling()).toEqual([['a'], ['b']]);
    calls[1]?.answer();
    await nextTurn();
    expect(travelling()).toEqual([['a'], ['b'], ['c', 'd']]);
  });

  test('a batch takes no more than its size', async () => {
    const { calls, run, travelling } = manualRun();
    const call = createBatcher({ run, mayBeOneRequest: never, maxBatches: 1, maxBatchSize: 2 });
    const results = Promise.all(['a', 'b', 'c', 'd', 'e'].map(call));
    for (let batch = 0; batch < 3; batch++) {
      await nextTurn();
      calls[batch]?.answer();
    }
    expect(travelling()).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    await expect(results).resolves.toEqual(['a!', 'b!', 'c!', 'd!', 'e!']);
  });
});

describe('calls of one key', () => {
  test('travel one after another in their order, while others do not wait for them', async () => {
    const { calls, run, travelling } = manualRun();
    const call = createBatcher({ run, keyOf, mayBeOneRequest: never });
    const results = Promise.all(['a1', 'a2', 'b1', 'a3'].map(call));
    await nextTurn();
    expect(travelling()).toEqual([['a1', 'b1']]);
    void call('c1');
    await nextTurn();
    expect(travelling()).toEqual([['a1', 'b1'], ['c1']]);

    calls[0]?.answer();
    await nextTurn();
    expect(travelling().slice(2)).toEqual([['a2']]);
    calls[2]?.answer();
    await nextTurn();
    expect(travelling().slice(3)).toEqual([['a3']]);
    calls[3]?.answer();
    await expect(results).resolves.toEqual(['a1!', 'a2!', 'b1!', 'a3!']);
  });

  test('are never under way at the same time, whatever comes when', async () => {
    const underWay = new Set<string>();
    const served: string[] = [];
    const call = createBatcher<string, string>({
      keyOf,
      mayBeOneRequest: () => true,
      maxBatches: 3,
      maxBatchSize: 4,
      run: async (requests) => {
        for (const request of requests) {
          expect(underWay).not.toContain(keyOf(request));
          underWay.add(keyOf(request));
        }
        await nextTurn();
        if (requests.length > 0 && requests.some((request) => request.endsWith('7'))) await nextTurn();
        for (const request of requests) underWay.delete(keyOf(request));
        served.push(...requests);
        return requests;
      },
    });
    const requests = Array.from({ length: 200 }, (_, index) => `${'abcde'.charAt((index * 7) % 5)}${index}`);
    const results: Promise<string>[] = [];
    for (const [index, request] of requests.entries()) {
      results.push(call(request));
      if (index % 11 === 0) await nextTurn();
    }
    await expect(Promise.all(results)).resolves.toEqual(requests);
    for (const key of 'abcde') {
      expect(served.filter((request) => keyOf(request) === key)).toEqual(requests.filter((r) => keyOf(r) === key));
    }
  });

  test('are served after one of them failed', async () => {
    const { calls, run } = manualRun();
    const call = createBatcher({ run, keyOf, mayBeOneRequest: never });
    const [first, second] = ['a1', 'a2'].map(call);
    await nextTurn();
    calls[0]?.fail(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    await nextTurn();
    calls[1]?.answer();
    await expect(second).resolves.toBe('a2!');
  });
});

describe('the failure of a batch', () => {
  test('is everyone’s where no single call may be to blame', async () => {
    const { calls, run } = manualRun();
    const results = Promise.allSettled(['a', 'b'].map(createBatcher({ run, mayBeOneRequest: never })));
    await nextTurn();
    calls[0]?.fail(new Error('no database'));
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(calls).toHaveLength(1);
  });

  test('is only the guilty call’s where one may be to blame: each is tried alone, once', async () => {
    const { calls, run, travelling } = manualRun();
    const results = Promise.allSettled(['a', 'b', 'c'].map(createBatcher({ run, mayBeOneRequest: () => true })));
    await nextTurn();
    calls[0]?.fail(new Error('one is bad'));
    await nextTurn();
    expect(travelling().slice(1)).toEqual([['a'], ['b'], ['c']]);
    calls[1]?.answer();
    calls[2]?.fail(new Error('b is bad'));
    calls[3]?.answer();
    expect(await results).toMatchObject([
      { status: 'fulfilled', value: 'a!' },
      { status: 'rejected', reason: new Error('b is bad') },
      { status: 'fulfilled', value: 'c!' },
    ]);
    expect(calls).toHaveLength(4);
  });

  test('for want of an answer is also that of the calls that wait behind it', async () => {
    const { calls, run } = manualRun();
    const call = createBatcher({ run, mayBeOneRequest: never, maxBatches: 1 });
    const first = call('a');
    await nextTurn();
    const results = Promise.allSettled([first, call('b')]);
    calls[0]?.fail(new Error('Query read timeout'));
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(calls).toHaveLength(1);

    void call('c');
    await nextTurn();
    expect(calls[1]?.requests).toEqual(['c']);
  });

  test('of one call alone is not tried again', async () => {
    const { calls, run } = manualRun();
    const result = createBatcher({ run, mayBeOneRequest: () => true })('a');
    await nextTurn();
    calls[0]?.fail(new Error('a is bad'));
    await expect(result).rejects.toThrow('a is bad');
    expect(calls).toHaveLength(1);
  });

  test('may also be thrown at once', async () => {
    const call = createBatcher<string, string>({
      run: () => {
        throw new Error('at once');
      },
      mayBeOneRequest: never,
    });
    await expect(call('a')).rejects.toThrow('at once');
    await expect(call('b')).rejects.toThrow('at once');
  });
});
