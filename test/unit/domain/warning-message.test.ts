import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseMoney } from '../../../src/domain/money.ts';
import { everyThreshold, warningAt } from '../../../src/domain/thresholds.ts';
import { warningMessage } from '../../../src/domain/warning-message.ts';
import { anyState, NOW, quotaState, runningFor, withRecords } from '../../support/quota-state.ts';

describe('the message of a warning of minutes', () => {
  test.each([
    [60, 48 * 60, 80, 'You have used 48 of 60 minutes this month.'],
    [60, 48 * 60 + 59, 80, 'You have used 48 of 60 minutes this month.'],
    [60, 66 * 60, 100, 'You have used 66 of 60 minutes this month.'],
    [2, 96, 80, 'You have used 1.6 of 2 minutes this month.'],
    [2, 119, 80, 'You have used 1.9 of 2 minutes this month.'],
    [2, 120, 100, 'You have used 2 of 2 minutes this month.'],
    [61, 2928, 80, 'You have used 48.8 of 61 minutes this month.'],
    [61, 2940, 80, 'You have used 49 of 61 minutes this month.'],
    [1, 48, 80, 'You have used 0.8 of 1 minute this month.'],
    [1, 60, 100, 'You have used 1 of 1 minute this month.'],
    [1, 20, 33, 'You have used 0.33 of 1 minute this month.'],
    [0, 0, 100, 'Your plan includes no minutes this month.'],
    [0, 59, 100, 'Your plan includes no minutes this month.'],
    [0, 60, 100, 'You have used 1 minute this month. Your plan includes no minutes.'],
    [0, 300, 100, 'You have used 5 minutes this month. Your plan includes no minutes.'],
  ])('for a limit of %d min, %d s used and the threshold of %d%%', (limitMinutes, settledSeconds, percent, message) => {
    expect(warningMessage(quotaState({ limitMinutes, settledSeconds }), 'minutes', percent, NOW, 'USD')).toBe(message);
  });
});

describe('the message of a warning of the cost', () => {
  test.each([
    ['50.00', '41.239999', 80, 'You have used 41.23 of 50.00 EUR this month.'],
    ['0.01', '0.008', 80, 'You have used 0.008 of 0.01 EUR this month.'],
    ['0.000005', '0.000004', 80, 'You have used 0.000004 of 0.000005 EUR this month.'],
    ['0.01', '0.012', 100, 'You have used 0.01 of 0.01 EUR this month.'],
    ['0', '0', 100, 'Your plan includes no budget this month.'],
    ['0', '3.5', 100, 'You have used 3.50 EUR this month. Your plan includes no budget.'],
  ])('for a limit of %s, %s used and the threshold of %d%%', (limit, used, percent, message) => {
    const state = quotaState({ limitCost: parseMoney(limit), settledCost: parseMoney(used) });
    expect(warningMessage(state, 'cost', percent, NOW, 'EUR')).toBe(message);
  });
});

test('the message of a running session counts it up to now', () => {
  const state = withRecords([runningFor(97)], { limitMinutes: 2 });
  expect(warningAt(state, [80], NOW, 'USD')?.message).toBe('You have used 1.6 of 2 minutes this month.');
});

test('a message shows neither less than the threshold that was crossed nor more than was used', () => {
  const anyThresholds = fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { maxLength: 3 });
  fc.assert(
    fc.property(anyState, anyThresholds, (state, thresholds) => {
      const warning = warningAt(state, everyThreshold(thresholds), NOW, 'USD');
      if (!warning) return;
      const [, used, limit] =
        /^You have used ([\d.]+) of ([\d.]+) (?:minutes?|USD) this month\.$/.exec(warning.message) ?? [];
      if (used === undefined || limit === undefined) {
        expect(warning.message).toMatch(/Your plan includes no (minutes|budget)/);
        return;
      }
      const shown = parseMoney(used) * 100n;
      const whole = parseMoney(limit);
      // what is crossed within a millionth of a unit of currency cannot be shown
      const tolerance = warning.limit === 'cost' ? 100n : 0n;
      expect(shown + tolerance >= whole * BigInt(warning.thresholdPercent)).toBe(true);
      expect(Number(shown) / Number(whole)).toBeLessThanOrEqual(warning.percentUsed + 0.01);
    }),
  );
});
