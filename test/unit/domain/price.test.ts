import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { affordableSeconds, runningCost, sessionCost } from '../../../src/domain/price.ts';

const anyPrice = fc.bigInt({ min: 0n, max: 1_000_000_000_000n });
const anySeconds = fc.integer({ min: 0, max: 40_000_000 });

describe('the settled cost', () => {
  test.each([
    [60, 500_000n, 500_000n],
    [90, 500_000n, 750_000n],
    [1, 500_000n, 8_333n],
    [2, 500_000n, 16_667n],
    [1, 30n, 1n],
    [1, 29n, 0n],
    [0, 500_000n, 0n],
    [3600, 0n, 0n],
  ])('of %d s at %d a minute is %d', (seconds, price, cost) => {
    expect(sessionCost(seconds, price)).toBe(cost);
  });

  test('is off by half a millionth at most', () => {
    fc.assert(
      fc.property(anySeconds, anyPrice, (seconds, price) => {
        const error = sessionCost(seconds, price) * 60n - BigInt(seconds) * price;
        expect(error > -30n && error <= 30n).toBe(true);
      }),
    );
  });
});

describe('the running cost', () => {
  test.each([
    [1000, 500_000n, 8_333n],
    [1, 500_000n, 8n],
    [60_000, 500_000n, 500_000n],
    [59_999, 1n, 0n],
  ])('of %d ms at %d a minute is %d', (milliseconds, price, cost) => {
    expect(runningCost(milliseconds, price)).toBe(cost);
  });

  test('is never more than what will be settled', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40_000_000 }), anyPrice, (milliseconds, price) => {
        expect(runningCost(milliseconds, price) <= sessionCost(Math.ceil(milliseconds / 1000), price)).toBe(true);
      }),
    );
  });
});

describe('the seconds that an amount pays for', () => {
  test('are all of them for a free avatar, and none without money', () => {
    expect(affordableSeconds(0n, 0n)).toBe(Number.POSITIVE_INFINITY);
    expect(affordableSeconds(0n, 1n)).toBe(0);
    expect(affordableSeconds(-5n, 1n)).toBe(0);
  });

  test('are as many as cost no more than the amount', () => {
    const anyAmount = fc.bigInt({ min: 0n, max: 10n ** 12n });
    fc.assert(
      fc.property(anyAmount, fc.bigInt({ min: 1n, max: 10n ** 9n }), (amount, price) => {
        const seconds = affordableSeconds(amount, price);
        expect(sessionCost(seconds, price) <= amount).toBe(true);
        expect(BigInt(seconds + 1) * price > amount * 60n).toBe(true);
      }),
    );
  });
});
