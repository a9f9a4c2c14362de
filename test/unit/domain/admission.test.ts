import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { admit } from '../../../src/domain/admission.ts';
import { billedSeconds, sessionCost } from '../../../src/domain/price.ts';
import { DEFAULT_POLICY, priceOf } from '../../support/policy.ts';
import { anyState, NOW, openToken, quotaState, runningFor, withRecords } from '../../support/quota-state.ts';

const OTHERS = { sessionId: 'another' };
const PRICE = priceOf();
const FREE = { ...PRICE, perMinute: 0n };

describe('a token', () => {
  test('gets the largest grant where there is room for it', () => {
    expect(admit(quotaState(), DEFAULT_POLICY, PRICE, 'chat', NOW)).toEqual({ outcome: 'granted', grantSeconds: 1800 });
  });

  test('gets what is left of the minutes', () => {
    const state = quotaState({ settledSeconds: 2000, reservedSeconds: 600 });
    expect(admit(state, DEFAULT_POLICY, PRICE, 'chat', NOW)).toEqual({ outcome: 'granted', grantSeconds: 1000 });
  });

  test('gets what the rest of the budget pays for', () => {
    const state = quotaState({ settledCost: 49_000_000n });
    expect(admit(state, DEFAULT_POLICY, PRICE, 'chat', NOW)).toEqual({ outcome: 'granted', grantSeconds: 120 });
  });

  test('gets no less than the smallest session', () => {
    expect(admit(quotaState({ settledSeconds: 3540 }), DEFAULT_POLICY, PRICE, 'chat', NOW)).toMatchObject({
      grantSeconds: 60,
    });
    expect(admit(quotaState({ settledSeconds: 3541 }), DEFAULT_POLICY, PRICE, 'chat', NOW)).toEqual({
      outcome: 'exceeded',
      limit: 'minutes',
    });
  });

  test('is refused for the cost where the cost is what is missing', () => {
    expect(admit(quotaState({ settledCost: 49_900_000n }), DEFAULT_POLICY, PRICE, 'chat', NOW)).toEqual({
      outcome: 'exceeded',
      limit: 'cost',
    });
  });

  test('of a free avatar is never refused for the cost', () => {
    const state = quotaState({ settledCost: 60_000_000n });
    expect(admit(state, DEFAULT_POLICY, FREE, 'chat', NOW)).toMatchObject({ outcome: 'granted' });
  });

  test('is refused to a user who is switched off, before anything else', () => {
    const state = quotaState({ isActive: false, settledSeconds: 9999, nextTokenAt: NOW });
    expect(admit(state, DEFAULT_POLICY, PRICE, 'chat', NOW)).toEqual({ outcome: 'inactive' });
  });

  test('is refused for a while after too many others', () => {
    const retryAt = new Date(NOW.getTime() + 9000);
    expect(admit(quotaState({ nextTokenAt: retryAt }), DEFAULT_POLICY, PRICE, 'chat', NOW)).toEqual({
      outcome: 'rate_limited',
      retryAt,
    });
  });
});

describe('open records', () => {
  test('of the same conversation give way, also a running one, less what it has used', () => {
    const state = withRecords([runningFor(90.5)], { limitMinutes: 10 });
    expect(admit(state, DEFAULT_POLICY, PRICE, 'chat', NOW)).toEqual({ outcome: 'granted', grantSeconds: 600 - 91 });
  });

  test('of another conversation give way at the limit of sessions if they are unused', () => {
    const state = withRecords([openToken(OTHERS)], { limitMinutes: 10 });
    expect(admit(state, DEFAULT_POLICY, PRICE, 'chat', NOW)).toEqual({ outcome: 'granted', grantSeconds: 600 });
  });

  test('of another conversation keep their hold below the limit of sessions', () => {
    const state = withRecords([openToken(OTHERS)], { limitMinutes: 15 });
    const policy = { ...DEFAULT_POLICY, maxConcurrentSessions: 2 };
    expect(admit(state, policy, PRICE, 'chat', NOW)).toEqual({ outcome: 'granted', grantSeconds: 300 });
  });

  test('give way oldest first, as many as must', () => {
    const policy = { ...DEFAULT_POLICY, maxConcurrentSessions: 2 };
    const at = (seconds: number) => new Date(NOW.getTime() - seconds * 1000);
    const state = withRecords(
      [
        openToken({ ...OTHERS, createdAt: at(10), heldSeconds: 100 }),
        openToken({ ...OTHERS, createdAt: at(20), heldSeconds: 200 }),
      ],
      { limitMinutes: 5 },
    );
    expect(admit(state, policy, PRICE, 'chat', NOW)).toEqual({ outcome: 'granted', grantSeconds: 200 });
  });

  test('of another conversation that run never give way', () => {
    expect(admit(withRecords([runningFor(10, OTHERS)]), DEFAULT_POLICY, PRICE, 'chat', NOW)).toEqual({
      outcome: 'concurrency',
    });
  });

  test('do not crowd out their own conversation', () => {
    const policy = { ...DEFAULT_POLICY, maxConcurrentSessions: 2 };
    const state = withRecords([runningFor(10), runningFor(10, OTHERS)]);
    expect(admit(state, policy, PRICE, 'chat', NOW)).toMatchObject({ outcome: 'granted' });
    expect(admit(state, policy, PRICE, null, NOW)).toEqual({ outcome: 'concurrency' });
  });
});

test('a grant never costs more than the budget has left, nor takes more than the minutes', () => {
  const anyPolicy = fc.record({
    maxConcurrentSessions: fc.integer({ min: 1, max: 4 }),
    maxSessionSeconds: fc.integer({ min: 60, max: 7200 }),
    minSessionSeconds: fc.integer({ min: 1, max: 60 }),
  });
  const anyPrice = fc.record({
    perMinute: fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 10_000_000n })),
    billingStepSeconds: fc.constantFrom(1, 10, 60),
    minimumSeconds: fc.constantFrom(0, 30, 60),
  });
  fc.assert(
    fc.property(anyState, anyPolicy, anyPrice, (state, settings, price) => {
      const policy = { ...DEFAULT_POLICY, ...settings };
      const admission = admit(state, policy, price, 'chat', NOW);
      if (admission.outcome !== 'granted') return;
      // whatever gives way: held by nobody else, and what has been used is settled
      const { grantSeconds } = admission;
      expect(grantSeconds).toBeGreaterThanOrEqual(policy.minSessionSeconds);
      expect(grantSeconds).toBeLessThanOrEqual(policy.maxSessionSeconds);
      expect(grantSeconds).toBeLessThanOrEqual(state.limitMinutes * 60 - state.settledSeconds);
      if (price.perMinute > 0n) {
        const cost = sessionCost(billedSeconds(grantSeconds, price), price.perMinute);
        expect(cost <= state.limitCost - state.settledCost).toBe(true);
      }
    }),
  );
});
