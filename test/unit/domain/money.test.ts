import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatMoney, moneyToNumber, parseMoney } from '../../../src/domain/money.ts';

const anyAmount = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });

describe('parseMoney', () => {
  test.each([
    ['0', 0n],
    ['50', 50_000_000n],
    ['23.5', 23_500_000n],
    ['0.000001', 1n],
    ['0.008333', 8_333n],
    ['007.10', 7_100_000n],
    ['-0.000001', -1n],
    ['-12.34', -12_340_000n],
    ['-0', 0n],
  ])('reads %s', (text, amount) => {
    expect(parseMoney(text)).toBe(amount);
  });

  test('reads what no floating point number holds', () => {
    expect(parseMoney('9007199254740993.000001')).toBe(9_007_199_254_740_993_000_001n);
    expect(parseMoney('123456789012345678901234567890.123456')).toBe(123_456_789_012_345_678_901_234_567_890_123_456n);
  });

  test('takes zeros past the sixth decimal, which round nothing', () => {
    expect(parseMoney('1.5000000000')).toBe(1_500_000n);
  });

  test.each(['0.0000001', '1.1234567', '-0.0000009', '1.00000001'])('refuses to round %s', (text) => {
    expect(() => parseMoney(text)).toThrow(RangeError);
  });

  test.each([
    '',
    ' ',
    '-',
    '.',
    '.5',
    '5.',
    '+5',
    '--5',
    '1,50',
    '1.2.3',
    '1 000',
    '1_000',
    ' 5',
    '5\n',
    '1e3',
    '0x10',
    'NaN',
    'Infinity',
    '$5',
    '٥',
  ])('refuses %j', (text) => {
    expect(() => parseMoney(text)).toThrow(RangeError);
  });

  test('names the text it refused', () => {
    expect(() => parseMoney('12,50')).toThrow('"12,50"');
  });
});

describe('formatMoney', () => {
  test.each([
    [0n, '0.00'],
    [1n, '0.000001'],
    [10_000n, '0.01'],
    [8_333n, '0.008333'],
    [23_500_000n, '23.50'],
    [23_456_000n, '23.456'],
    [50_000_000n, '50.00'],
    [-1n, '-0.000001'],
    [-12_300_000n, '-12.30'],
    [9_007_199_254_740_993_000_001n, '9007199254740993.000001'],
  ])('writes %s millionths as %s', (amount, text) => {
    expect(formatMoney(amount)).toBe(text);
  });

  test('writes what parseMoney reads back as the same amount', () => {
    fc.assert(fc.property(anyAmount, (amount) => parseMoney(formatMoney(amount)) === amount));
  });

  test('writes two to six decimals and no leading zeros', () => {
    fc.assert(
      fc.property(anyAmount, (amount) => {
        expect(formatMoney(amount)).toMatch(/^-?(0|[1-9]\d*)\.\d{2}(\d{0,3}[1-9])?$/);
      }),
    );
  });
});

describe('moneyToNumber', () => {
  test.each([
    [0n, '0'],
    [1n, '0.000001'],
    [8_333n, '0.008333'],
    [50_000_000n, '50'],
    [999_999_999_999_999n, '999999999.999999'],
  ])('%s millionths are written in JSON as %s', (amount, text) => {
    expect(JSON.stringify(moneyToNumber(amount))).toBe(text);
  });

  test('keeps every decimal of an amount below a billion', () => {
    const amountBelowABillion = fc.bigInt({ min: 1n - 10n ** 15n, max: 10n ** 15n - 1n });
    fc.assert(
      fc.property(amountBelowABillion, (amount) => {
        expect(parseMoney(JSON.stringify(moneyToNumber(amount)))).toBe(amount);
      }),
      { numRuns: 2000 },
    );
  });
});
