import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { consumedMilliseconds, useAt } from '../../../src/domain/quota.ts';
import { anyState, NOW, openToken, quotaState, runningFor, withRecords } from '../../support/quota-state.ts';

function later(seconds: number): Date {
  return new Date(NOW.getTime() + seconds * 1000);
}

describe('what a record has consumed', () => {
  test('is nothing before its start', () => {
    expect(consumedMilliseconds(openToken(), later(500))).toBe(0);
  });

  test('is the time since its start', () => {
    expect(consumedMilliseconds(runningFor(0), later(1.234))).toBe(1234);
  });

  test('is never more than its hold, and never less than nothing', () => {
    expect(consumedMilliseconds(runningFor(0), later(601))).toBe(600_000);
    expect(consumedMilliseconds(runningFor(0), later(-30))).toBe(0);
  });
});

describe('the use of a quota at a moment', () => {
  test('is nothing at first', () => {
    expect(useAt(quotaState(), NOW)).toEqual({
      usedSeconds: 0,
      usedCost: 0n,
      heldSeconds: 0,
      heldCost: 0n,
      remainingSeconds: 3600,
      remainingCost: 50_000_000n,
      availableSeconds: 3600,
    });
  });

  test('grows by what a session consumes of its hold', () => {
    const state = withRecords([runningFor(90.9)], { settledSeconds: 60, settledCost: 500_000n });
    expect(useAt(state, NOW)).toEqual({
      usedSeconds: 150,
      usedCost: 500_000n + 757_500n,
      heldSeconds: 510,
      heldCost: 5_000_000n - 757_500n,
      remainingSeconds: 3450,
      remainingCost: 50_000_000n - 1_257_500n,
      availableSeconds: 3600 - 60 - 600,
    });
  });

  test('leaves nothing, not less, after over-use', () => {
    const state = quotaState({ settledSeconds: 4000, settledCost: 60_000_000n });
    expect(useAt(state, NOW)).toMatchObject({
      usedSeconds: 4000,
      remainingSeconds: 0,
      remainingCost: 0n,
      availableSeconds: 0,
    });
  });

  test('keeps used and held together constant while sessions run, until long after their end', () => {
    fc.assert(
      fc.property(anyState, fc.integer({ min: 0, max: 10_000_000 }), (state, elapsed) => {
        const use = useAt(state, new Date(NOW.getTime() + elapsed));
        expect(use.usedSeconds + use.heldSeconds).toBe(state.settledSeconds + state.reservedSeconds);
        expect(use.usedCost + use.heldCost).toBe(state.settledCost + state.reservedCost);
      }),
    );
  });

  test('never shrinks as time goes by', () => {
    const anyTime = fc.integer({ min: -100_000, max: 5_000_000 });
    fc.assert(
      fc.property(anyState, anyTime, anyTime, (state, a, b) => {
        const earlier = useAt(state, new Date(NOW.getTime() + Math.min(a, b)));
        const laterUse = useAt(state, new Date(NOW.getTime() + Math.max(a, b)));
        expect(laterUse.usedSeconds).toBeGreaterThanOrEqual(earlier.usedSeconds);
        expect(laterUse.usedCost >= earlier.usedCost).toBe(true);
      }),
    );
  });
});
