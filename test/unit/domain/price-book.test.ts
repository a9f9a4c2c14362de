import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { billedSeconds, type Price, sessionCost } from '../../../src/domain/price.ts';
import {
  affordableHold,
  costOfSeconds,
  createPriceBook,
  currentPrice,
  dearestPrice,
  holdCost,
  priceAt,
} from '../../../src/domain/price-book.ts';
import { datedPrice, START } from '../../support/decide.ts';

const FULL = { vendor: 'simulator', vendorMode: 'FULL', currency: 'USD' };

/** Minutes after the start. */
function from(minutes: number): Date {
  return new Date(START + minutes * 60_000);
}

/** The prices of a record that begins at 0.50 a minute, where none of these applies. */
function listOf(...prices: Parameters<typeof datedPrice>[0][]) {
  return createPriceBook(prices.map(datedPrice)).listFor({ ...FULL, fallbackPrice: 500_000n });
}

describe('the prices of a record', () => {
  it('follow one another without a gap, the fallback first', () => {
    const list = listOf({ effectiveFrom: from(2), perMinute: 2n }, { effectiveFrom: from(1), perMinute: 1n });
    expect(list.map(({ startsAt, endsAt, perMinute }) => [startsAt, endsAt, perMinute])).toEqual([
      [Number.NEGATIVE_INFINITY, START + 60_000, 500_000n],
      [START + 60_000, START + 120_000, 1n],
      [START + 120_000, Number.POSITIVE_INFINITY, 2n],
    ]);
  });

  it('are those of its vendor, mode and currency', () => {
    const list = listOf({ vendorMode: 'LITE' }, { vendor: 'heygen' }, { currency: 'EUR' });
    expect(list.map(({ perMinute }) => perMinute)).toEqual([500_000n]);
  });

  it('begin with the list price where there is no fallback, and have none where there is one', () => {
    const book = createPriceBook([datedPrice({ isList: true, perMinute: 3n })]);
    expect(book.fallbackFor(FULL, 500_000n, false)).toBeNull();
    expect(book.fallbackFor(FULL, 500_000n, true)).toBe(500_000n);
    expect(book.fallbackFor({ ...FULL, vendorMode: 'LITE' }, 500_000n, false)).toBe(500_000n);
    expect(book.listFor({ ...FULL, fallbackPrice: null }).map(({ perMinute }) => perMinute)).toEqual([3n]);
    expect(book.listFor({ ...FULL, fallbackPrice: 5n }).map(({ perMinute }) => perMinute)).toEqual([5n]);
  });

  it('have a revision that grows with each of them, and with no other', () => {
    const before = createPriceBook([datedPrice({ revision: 4 }), datedPrice({ revision: 9, vendorMode: 'LITE' })]);
    const after = createPriceBook([datedPrice({ revision: 12 }), datedPrice({ revision: 9, vendorMode: 'LITE' })]);
    expect([before.revisionFor(FULL), after.revisionFor(FULL)]).toEqual([4, 12]);
    expect(after.revisionFor({ ...FULL, vendorMode: 'LITE' })).toBe(9);
  });
});

it('finds no price before the first one', () => {
  expect(() => priceAt([], START)).toThrow('No price is in force at 2026-11-10T12:00:00.000Z');
});

describe('the cost of seconds', () => {
  it('is that of each second at the price in force when it began', () => {
    // In the middle of second 60: this one has the earlier price.
    const list = listOf({ effectiveFrom: new Date(START + 60_500), perMinute: 1_000_000n });
    expect(costOfSeconds(list, START, 61)).toBe(508_333n);
    expect(costOfSeconds(list, START, 121)).toBe(1_508_333n);
  });

  it('is rounded once for each price', () => {
    const list = listOf({ effectiveFrom: new Date(START + 2000), perMinute: 500_001n });
    expect(costOfSeconds(list, START, 4)).toBe(sessionCost(2, 500_000n) + sessionCost(2, 500_001n));
  });

  it('is that of one price where several of the same amount follow one another', () => {
    const anyStarts = fc.array(fc.integer({ min: -120_000, max: 120_000 }), { maxLength: 5 });
    const anyPrice = fc.bigInt({ min: 0n, max: 10_000_000n });
    fc.assert(
      fc.property(anyStarts, anyPrice, fc.nat(200), (starts, perMinute, seconds) => {
        const prices = starts.map((at) => datedPrice({ effectiveFrom: new Date(START + at), perMinute }));
        const list = createPriceBook(prices).listFor({ ...FULL, fallbackPrice: perMinute });
        expect(costOfSeconds(list, START, seconds)).toBe(sessionCost(seconds, perMinute));
        expect(currentPrice(list, START, START + seconds * 1000)).toMatchObject({ pricedSeconds: 0, priceUntil: null });
      }),
    );
  });
});

describe('a running session', () => {
  it('goes on at the price that is in force, and knows when the next one comes', () => {
    const list = listOf(
      { effectiveFrom: from(1), perMinute: 1_000_000n },
      { effectiveFrom: new Date(START + 120_200) },
    );
    expect(currentPrice(list, START, START + 59_999)).toMatchObject({ pricedSeconds: 0, priceUntil: START + 60_000 });
    expect(currentPrice(list, START, START + 60_000)).toMatchObject({
      pricePerMinute: 1_000_000n,
      pricedSeconds: 60,
      pricedCost: 500_000n,
      priceUntil: START + 121_000,
    });
    expect(currentPrice(list, START, START + 121_000)).toMatchObject({ pricedSeconds: 121, priceUntil: null });
  });
});

describe('the dearest price', () => {
  it('is of price, step and minimum the highest each between two moments', () => {
    const list = listOf(
      { effectiveFrom: from(1), perMinute: 400_000n, billingStepSeconds: 60 },
      { effectiveFrom: from(2), perMinute: 300_000n, minimumSeconds: 30 },
      { effectiveFrom: from(3), perMinute: 9_000_000n },
    );
    expect(dearestPrice(list, START, START + 150_000)).toEqual({
      perMinute: 500_000n,
      billingStepSeconds: 60,
      minimumSeconds: 30,
    });
    expect(dearestPrice(list, START + 60_000, START + 60_000).perMinute).toBe(400_000n);
    expect(dearestPrice(list, START, START + 180_000).perMinute).toBe(9_000_000n);
  });
});

describe('a hold', () => {
  const anyPrice: fc.Arbitrary<Price> = fc.record({
    perMinute: fc.bigInt({ min: 1n, max: 10_000_000n }),
    billingStepSeconds: fc.constantFrom(1, 10, 60),
    minimumSeconds: fc.constantFrom(0, 30, 90),
  });
  const anySettled = fc.nat(5000);

  it('covers what the vendor bills, its rounding included', () => {
    const byTheMinute = { perMinute: 600_000n, billingStepSeconds: 60, minimumSeconds: 0 };
    expect(holdCost(0, 61, byTheMinute)).toBe(1_200_000n);
    expect(holdCost(50, 11, byTheMinute)).toBe(700_000n);
    expect(holdCost(50, 0, byTheMinute)).toBe(0n);
    fc.assert(
      fc.property(anySettled, fc.integer({ min: 1, max: 5000 }), anyPrice, (settled, seconds, price) => {
        const cost = sessionCost(billedSeconds(settled + seconds, price) - settled, price.perMinute);
        expect(holdCost(settled, seconds, price)).toBe(cost);
      }),
    );
  });

  it('costs no more than the amount that it was found affordable for', () => {
    fc.assert(
      fc.property(anySettled, fc.bigInt({ min: -10n, max: 10n ** 9n }), anyPrice, (settled, amount, price) => {
        const seconds = affordableHold(settled, amount, price);
        if (seconds > 0) expect(holdCost(settled, seconds, price) <= amount).toBe(true);
        // One step more is too much, where the minimum does not forbid all.
        if (amount > 0n && settled + seconds > price.minimumSeconds) {
          expect(holdCost(settled, seconds + price.billingStepSeconds, price) * 60n > (amount - 1n) * 60n).toBe(true);
        }
      }),
    );
  });

  it('has no bound where it is free', () => {
    const free = { perMinute: 0n, billingStepSeconds: 1, minimumSeconds: 0 };
    expect(affordableHold(0, 0n, free)).toBe(Number.POSITIVE_INFINITY);
  });
});
