import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sessionCost } from '../../../src/domain/price.ts';
import { type RecordTimes, recordUse } from '../../../src/domain/record-use.ts';

const START = new Date('2026-11-10T12:00:00.000Z');

function running(record: Partial<RecordTimes> = {}): RecordTimes {
  return {
    status: 'active',
    settledSeconds: 0,
    settledCost: 0n,
    countedFrom: START,
    durationSeconds: 0,
    estimatedCost: 0n,
    pricePerMinute: 500_000n,
    pricedSeconds: 0,
    pricedCost: 0n,
    heldSeconds: 1800,
    ...record,
  };
}

function after(milliseconds: number): Date {
  return new Date(START.getTime() + milliseconds);
}

describe('the use of a record', () => {
  it('grows with the clock while the session runs', () => {
    expect(recordUse(running(), after(0))).toEqual({ seconds: 0, cost: 0n });
    expect(recordUse(running(), after(90_500))).toEqual({ seconds: 90, cost: 754_166n });
  });

  it('adds what was settled in the month it started in', () => {
    const record = running({ settledSeconds: 60, settledCost: 500_000n });
    expect(recordUse(record, after(30_000))).toEqual({ seconds: 90, cost: 750_000n });
  });

  it('is what was settled once it has ended, and nothing for an unused token', () => {
    const over = running({ status: 'completed', durationSeconds: 42, estimatedCost: 350_000n });
    expect(recordUse(over, after(999_000))).toEqual({ seconds: 42, cost: 350_000n });
    expect(recordUse(running({ status: 'reserved', countedFrom: null }), after(5_000))).toEqual({
      seconds: 0,
      cost: 0n,
    });
  });

  it('never passes the hold, shrinks or goes below zero', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -60_000, max: 4_000_000 }),
        fc.nat(100_000),
        fc.integer({ min: 1, max: 3600 }),
        (at, later, heldSeconds) => {
          const record = running({ heldSeconds });
          const now = recordUse(record, after(at));
          const then = recordUse(record, after(at + later));
          expect(now.seconds).toBeGreaterThanOrEqual(0);
          expect(then.seconds).toBeGreaterThanOrEqual(now.seconds);
          expect(then.cost).toBeGreaterThanOrEqual(now.cost);
          expect(then.seconds).toBeLessThanOrEqual(heldSeconds);
          expect(then.cost).toBeLessThanOrEqual(sessionCost(heldSeconds, record.pricePerMinute));
        },
      ),
    );
  });
});
