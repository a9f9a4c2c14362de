import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  everyThreshold,
  nextCrossing,
  percentagesAt,
  percentOf,
  tighterLimit,
  warningAt,
} from '../../../src/domain/thresholds.ts';
import { anyState, NOW, openToken, quotaState, runningFor, withRecords } from '../../support/quota-state.ts';

const anyThresholds = fc
  .uniqueArray(fc.integer({ min: 1, max: 100 }), { maxLength: 3 })
  .map((percents) => percents.sort((a, b) => a - b));

function later(milliseconds: number): Date {
  return new Date(NOW.getTime() + milliseconds);
}

test('the limit itself is a threshold, whatever is set', () => {
  expect(everyThreshold([])).toEqual([100]);
  expect(everyThreshold([80])).toEqual([80, 100]);
  expect(everyThreshold([100, 50, 80, 50])).toEqual([50, 80, 100]);
});

describe('the percentage', () => {
  test.each([
    [0n, 10n, 0],
    [1n, 3n, 33.33],
    [2n, 3n, 66.66],
    [79_999n, 100_000n, 79.99],
    [8n, 10n, 80],
    [15n, 10n, 150],
    [0n, 0n, 100],
    [5n, 0n, 100],
  ])('of %d in %d is %d', (used, limit, percent) => {
    expect(percentOf(used, limit)).toBe(percent);
  });

  test('shows a whole percentage at its crossing and never before', () => {
    const anyLimit = fc.bigInt({ min: 1n, max: 10n ** 15n });
    fc.assert(
      fc.property(anyLimit, fc.integer({ min: 1, max: 100 }), (limit, percent) => {
        const crossing = (limit * BigInt(percent) + 99n) / 100n;
        expect(percentOf(crossing, limit)).toBeGreaterThanOrEqual(percent);
        expect(percentOf(crossing - 1n, limit)).toBeLessThan(percent);
      }),
    );
  });

  test('of the cost counts fractions of a millionth of all sessions together', () => {
    // Each of three sessions has cost a third of a millionth, of a limit of one.
    const thirds = [1, 2, 3].map(() => runningFor(20, { pricePerMinute: 1n, heldCost: 10n }));
    expect(percentagesAt(withRecords(thirds, { limitCost: 1n }), NOW).cost).toBe(100);
    expect(percentagesAt(withRecords(thirds.slice(1), { limitCost: 1n }), NOW).cost).toBe(66.66);
  });
});

test('the limit nearest to its end is the tighter one; of two alike, the minutes', () => {
  expect(tighterLimit({ minutes: 50, cost: 50 })).toBe('minutes');
  expect(tighterLimit({ minutes: 50, cost: 50.01 })).toBe('cost');
});

describe('the warning', () => {
  test('is none below the first threshold', () => {
    expect(warningAt(quotaState({ settledSeconds: 2879 }), [80], NOW, 'USD')).toBeNull();
  });

  test('names the highest threshold crossed', () => {
    expect(warningAt(quotaState({ settledSeconds: 2880 }), [50, 80], NOW, 'USD')).toEqual({
      level: 'approaching_limit',
      limit: 'minutes',
      thresholdPercent: 80,
      percentUsed: 80,
      crossedAt: NOW,
      message: 'You have used 48 of 60 minutes this month.',
    });
  });

  test('says that the limit is reached, and shows over-use', () => {
    expect(warningAt(quotaState({ settledSeconds: 3960 }), [80], NOW, 'USD')).toMatchObject({
      level: 'limit_reached',
      thresholdPercent: 100,
      percentUsed: 110,
      message: 'You have used 66 of 60 minutes this month.',
    });
  });

  test('speaks of the cost where that is the tighter limit, in whole cents', () => {
    expect(warningAt(quotaState({ settledCost: 41_239_999n }), [80], NOW, 'EUR')).toMatchObject({
      limit: 'cost',
      message: 'You have used 41.23 of 50.00 EUR this month.',
    });
  });

  test('is in force at once with a limit of zero', () => {
    expect(warningAt(quotaState({ limitMinutes: 0 }), [80], NOW, 'USD')).toMatchObject({
      level: 'limit_reached',
      limit: 'minutes',
      message: 'Your plan includes no minutes this month.',
    });
  });

  test('says when it was crossed, if that has been noted for this limit and threshold', () => {
    const crossedAt = later(-5000);
    const alerts = [
      { limit: 'cost', thresholdPercent: 80, crossedAt: later(-9000) },
      { limit: 'minutes', thresholdPercent: 50, crossedAt: later(-7000) },
      { limit: 'minutes', thresholdPercent: 80, crossedAt },
    ] as const;
    expect(warningAt(quotaState({ settledSeconds: 2880, alerts }), [50, 80], NOW, 'USD')).toMatchObject({ crossedAt });
  });
});

describe('the next crossing', () => {
  test('never comes while nothing runs', () => {
    expect(nextCrossing(quotaState(), [80], NOW)).toBeNull();
    expect(nextCrossing(withRecords([openToken()]), [80], NOW)).toBeNull();
  });

  test('comes after the rest of the way to the next threshold', () => {
    const state = withRecords([runningFor(60)], { settledSeconds: 2000 });
    expect(nextCrossing(state, [80], NOW)).toEqual(later((2880 - 2060) * 1000));
  });

  test('comes twice as soon with two sessions', () => {
    const state = withRecords([runningFor(0), runningFor(0)], { limitMinutes: 10 });
    expect(nextCrossing(state, [80], NOW)).toEqual(later(240_000));
  });

  test('of the cost adds the prices of the sessions', () => {
    const state = withRecords([runningFor(0), runningFor(0, { pricePerMinute: 250_000n })], { limitCost: 7_500_000n });
    expect(nextCrossing(state, [80], NOW)).toEqual(later(8 * 60_000));
  });

  test('never comes for a free session and a threshold of the cost', () => {
    const state = withRecords([runningFor(0, { pricePerMinute: 0n })], { settledSeconds: 3600 });
    expect(nextCrossing(state, [80], NOW)).toBeNull();
  });

  test('never comes where no date could name it', () => {
    const state = withRecords([runningFor(0, { pricePerMinute: 1n })], {
      settledSeconds: 3600,
      limitCost: 10n ** 15n,
    });
    expect(nextCrossing(state, [80], NOW)).toBeNull();
  });

  test('is the first moment at which one more threshold of either limit is crossed', () => {
    fc.assert(
      fc.property(anyState, anyThresholds, (state, thresholds) => {
        // as if the sessions went on: a hold without end
        const endless = {
          ...state,
          openRecords: state.openRecords.map((record) => ({ ...record, heldSeconds: 10 ** 12 })),
        };
        const next = nextCrossing(endless, thresholds, NOW);
        const crossed = (at: Date) => {
          const percentages = Object.values(percentagesAt(endless, at));
          return percentages.map((used) => everyThreshold(thresholds).filter((percent) => percent <= used).length);
        };
        if (next) {
          expect(next.getTime()).toBeGreaterThan(NOW.getTime());
          expect(crossed(new Date(next.getTime() - 1))).toEqual(crossed(NOW));
          expect(crossed(next)).not.toEqual(crossed(NOW));
        } else {
          expect(crossed(later(10 ** 9))).toEqual(crossed(NOW));
        }
      }),
    );
  });

  test('changes nothing about the warning before it comes', () => {
    fc.assert(
      fc.property(anyState, anyThresholds, fc.double({ min: 0, max: 1, noNaN: true }), (state, thresholds, part) => {
        const next = nextCrossing(state, thresholds, NOW) ?? later(10 ** 9);
        const between = later(Math.floor((next.getTime() - NOW.getTime() - 1) * part));
        const percent = (at: Date) => {
          const percentages = Object.values(percentagesAt(state, at));
          return everyThreshold(thresholds).findLast((threshold) => percentages.some((used) => threshold <= used));
        };
        expect(percent(between)).toBe(percent(NOW));
        expect(warningAt(state, thresholds, between, 'USD')?.thresholdPercent).toBe(percent(NOW));
      }),
    );
  });
});
