import type pg from 'pg';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type ClockOffsetError, createComparedClock } from '../../../src/database/decision-clock.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A node whose clock and round trips the test sets, the next ones first. */
function createNode({ aheadMs = 0, roundTripsMs = [] as number[] } = {}) {
  const offsets: string[] = [];
  const node = { aheadMs, nextAheadMs: [] as number[], roundTripsMs, comparisons: 0, offsets };
  const pool = {
    async query() {
      node.comparisons++;
      const at = Date.now();
      node.aheadMs = node.nextAheadMs.shift() ?? node.aheadMs;
      vi.advanceTimersByTime(node.roundTripsMs.shift() ?? 0);
      return { rows: [{ at }] };
    },
  } as unknown as pg.Pool;
  const clock = createComparedClock({
    pool,
    clock: () => new Date(Date.now() + node.aheadMs),
    onOffset: (error: ClockOffsetError) => offsets.push((error.cause as Error).message),
    onAgreement: () => offsets.push('agreement'),
  });
  return { node, clock };
}

it.each([1_999, -1_999])('a clock that is off by %d ms is trusted', async (aheadMs) => {
  const { clock } = createNode({ aheadMs });
  expect(await clock.now()).toEqual(new Date(Date.now() + aheadMs));
  expect(clock.offsetSeconds()).toBe(aheadMs / 1000);
  expect(clock.isTrusted()).toBe(true);
});

it.each([
  [2_001, '2.0 seconds ahead of'],
  [172_800_000, '172800.0 seconds ahead of'],
  [-100_000, '100.0 seconds behind'],
])('a clock that is off by %d ms is not, and the operator learns what to do', async (aheadMs, difference) => {
  const { clock, node } = createNode({ aheadMs });
  await expect(clock.now()).rejects.toThrow('Try again in a few seconds.');
  expect(node.offsets).toEqual([
    `This machine's clock is ${difference} the database's. Synchronize both machines with NTP.`,
  ]);
  expect(clock.offsetSeconds()).toBe(aheadMs / 1000);
});

it('a clock that is right is not suspected for answers that take 10 seconds', async () => {
  const { clock, node } = createNode({ roundTripsMs: [10_000, 10_000, 10_000] });
  await clock.now();
  await clock.compare();
  expect(clock.isTrusted()).toBe(true);
  expect(node.offsets).toEqual(['agreement']);
});

it('a clock that is far off is found out even by slow answers', async () => {
  const { clock } = createNode({ aheadMs: 100_000, roundTripsMs: [10_000, 10_000, 10_000] });
  await expect(clock.now()).rejects.toThrow('Try again in a few seconds.');
  expect(clock.offsetSeconds()).toBe(105);
});

it('a clock that was found off stays so while answers are too slow to tell', async () => {
  const { clock, node } = createNode({ aheadMs: 5_000 });
  await clock.compare();
  node.roundTripsMs = [8_000, 8_000, 8_000];
  await clock.compare();
  expect(clock.isTrusted()).toBe(false);
});

it('a difference that is found once, as after a machine was suspended in the middle, is looked at again', async () => {
  const { clock, node } = createNode();
  await clock.now();
  node.nextAheadMs = [100_000, 100_000, 0];
  await clock.compare();
  expect(clock.isTrusted()).toBe(true);
  expect(node.comparisons).toBe(1 + 3);
  expect(node.offsets).toEqual(['agreement', 'agreement']);
});

it('a clock that is set is compared before the next decision, and one that just runs is not', async () => {
  const { clock, node } = createNode();
  await clock.now();
  vi.advanceTimersByTime(3_600_000);
  await clock.now();
  expect(node.comparisons).toBe(1);
  node.aheadMs = 100_000;
  await expect(clock.now()).rejects.toThrow('Try again in a few seconds.');
  node.aheadMs = 0;
  await expect(clock.now()).resolves.toEqual(new Date());
  expect(node.offsets.at(-1)).toBe('agreement');
});
