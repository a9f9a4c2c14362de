import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Admission } from '../../../../src/domain/admission.ts';
import { beginDraft, decide } from '../../../../src/domain/decide/decide.ts';
import { foresee } from '../../../../src/domain/decide/hold.ts';
import type { QuotaPolicy } from '../../../../src/domain/policy.ts';
import { billedSeconds, type Price, sessionCost } from '../../../../src/domain/price.ts';
import type { QuotaState } from '../../../../src/domain/quota.ts';
import type { Wish } from '../../../../src/domain/store.ts';
import { createDecider, datedPrice, newAccount, newUser, rulesOf, START, userWith } from '../../../support/decide.ts';
import { DEFAULT_POLICY } from '../../../support/policy.ts';
import { anyState, NOW, openToken, quotaState, runningFor, withRecords } from '../../../support/quota-state.ts';
import { holdRequest } from '../../../support/store.ts';

const OTHERS = { sessionId: 'another' };

interface Circumstances {
  readonly wish?: Partial<Wish>;
  readonly policy?: Partial<QuotaPolicy>;
  readonly price?: Price;
  /** When the user's latest tokens were granted. */
  readonly recentTokens?: number[];
}

/** What a token for the conversation "chat" would get. */
function foreseen(quota: QuotaState, { wish, policy, price, recentTokens = [] }: Circumstances = {}): Admission {
  const rules = rulesOf(policy, price ? [datedPrice(price)] : []);
  const draft = beginDraft({ ...userWith(quota), recentTokens }, { rules, now: START, account: null });
  const terms = { vendor: 'simulator', vendorMode: 'FULL', pricePerMinute: DEFAULT_POLICY.pricePerMinute };
  return foresee(draft, { sessionId: 'chat', ...terms, ...wish });
}

describe('a token', () => {
  test('gets the largest grant where there is room for it', () => {
    expect(foreseen(quotaState())).toEqual({ outcome: 'granted', grantSeconds: 1800 });
  });

  test('gets what is left of the minutes', () => {
    const quota = quotaState({ settledSeconds: 2000, reservedSeconds: 600 });
    expect(foreseen(quota)).toEqual({ outcome: 'granted', grantSeconds: 1000 });
  });

  test('gets what the rest of the budget pays for', () => {
    expect(foreseen(quotaState({ settledCost: 49_000_000n }))).toEqual({ outcome: 'granted', grantSeconds: 120 });
  });

  test('gets no less than the smallest session', () => {
    expect(foreseen(quotaState({ settledSeconds: 3540 }))).toMatchObject({ grantSeconds: 60 });
    expect(foreseen(quotaState({ settledSeconds: 3541 }))).toEqual({ outcome: 'exceeded', limit: 'minutes' });
  });

  test('is refused for the cost where the cost is what is missing', () => {
    expect(foreseen(quotaState({ settledCost: 49_900_000n }))).toEqual({ outcome: 'exceeded', limit: 'cost' });
  });

  test('of a free avatar is never refused for the cost', () => {
    const quota = quotaState({ settledCost: 60_000_000n });
    expect(foreseen(quota, { wish: { pricePerMinute: 0n } })).toMatchObject({ outcome: 'granted' });
  });

  test('is refused to a user who is switched off, before anything else', () => {
    const quota = quotaState({ isActive: false, settledSeconds: 9999 });
    const rateLimited = { policy: { maxTokensPerMinute: 1 }, recentTokens: [START] };
    expect(foreseen(quota, rateLimited)).toEqual({ outcome: 'inactive' });
  });

  test('is refused for a while after too many others', () => {
    const recentTokens = [START - 1000, START - 51_000, START - 55_000];
    const policy = { maxTokensPerMinute: 2 };
    expect(foreseen(quotaState(), { policy, recentTokens })).toEqual({
      outcome: 'rate_limited',
      retryAt: new Date(START + 9000),
    });
  });
});

describe('open records', () => {
  test('of the same conversation are superseded, also a running one, less what it has used', () => {
    const quota = withRecords([runningFor(90.5)], { limitMinutes: 10 });
    expect(foreseen(quota)).toEqual({ outcome: 'granted', grantSeconds: 600 - 91 });
  });

  test('of another conversation are superseded at the limit of sessions if they are unused', () => {
    const quota = withRecords([openToken(OTHERS)], { limitMinutes: 10 });
    expect(foreseen(quota)).toEqual({ outcome: 'granted', grantSeconds: 600 });
  });

  test('of another conversation keep their hold below the limit of sessions', () => {
    const quota = withRecords([openToken(OTHERS)], { limitMinutes: 15 });
    const policy = { maxConcurrentSessions: 2 };
    expect(foreseen(quota, { policy })).toEqual({ outcome: 'granted', grantSeconds: 300 });
  });

  test('are superseded oldest first, as many as necessary', () => {
    const policy = { maxConcurrentSessions: 2 };
    const at = (seconds: number) => new Date(NOW.getTime() - seconds * 1000);
    const quota = withRecords(
      [
        openToken({ ...OTHERS, createdAt: at(10), heldSeconds: 100 }),
        openToken({ ...OTHERS, createdAt: at(20), heldSeconds: 200 }),
      ],
      { limitMinutes: 5 },
    );
    expect(foreseen(quota, { policy })).toEqual({ outcome: 'granted', grantSeconds: 200 });
  });

  test('of another conversation that are running are never superseded', () => {
    expect(foreseen(withRecords([runningFor(10, OTHERS)]))).toEqual({ outcome: 'concurrency' });
  });

  test('do not crowd out their own conversation', () => {
    const policy = { maxConcurrentSessions: 2 };
    const quota = withRecords([runningFor(10), runningFor(10, OTHERS)]);
    expect(foreseen(quota, { policy })).toMatchObject({ outcome: 'granted' });
    expect(foreseen(quota, { policy, wish: { sessionId: null } })).toEqual({ outcome: 'concurrency' });
  });
});

it('never grants more than the budget has left, nor more than the minutes', () => {
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
    fc.property(anyState, anyPolicy, anyPrice, (quota, policy, price) => {
      const admission = foreseen(quota, { policy, price });
      if (admission.outcome !== 'granted') return;
      // whatever is superseded: no other record holds it, and what was used is settled
      const { grantSeconds } = admission;
      expect(grantSeconds).toBeGreaterThanOrEqual(policy.minSessionSeconds);
      expect(grantSeconds).toBeLessThanOrEqual(policy.maxSessionSeconds);
      expect(grantSeconds).toBeLessThanOrEqual(quota.limitMinutes * 60 - quota.settledSeconds);
      if (price.perMinute > 0n) {
        const cost = sessionCost(billedSeconds(grantSeconds, price), price.perMinute);
        expect(cost <= quota.limitCost - quota.settledCost).toBe(true);
      }
    }),
  );
});

it('holds at the dearest price that can apply while the token and its session live', () => {
  const ann = createDecider();
  const inAnHour = new Date(START + 3_600_000);
  ann.enterPrice({ perMinute: 1_000_000n, effectiveFrom: new Date(START + 60_000) });
  ann.enterPrice({ perMinute: 9_000_000n, effectiveFrom: inAnHour });
  expect(ann.act('hold', holdRequest())).toEqual({ outcome: 'granted', grantSeconds: 1800 });
  expect(ann.state.records).toMatchObject([{ heldCost: 30_000_000n, pricePerMinute: 500_000n }]);
});

it('covers a higher price that begins during the session of a token that was minted slowly', () => {
  const slowMint = DEFAULT_POLICY.tokenTtlSeconds - 1;
  const ann = createDecider();
  ann.enterPrice({ perMinute: 1_000_000n, effectiveFrom: new Date(START + (2 * slowMint + 1740) * 1000) });
  const request = holdRequest();
  expect(ann.act('hold', request)).toEqual({ outcome: 'granted', grantSeconds: 1800 });
  ann.now += slowMint * 1000;
  const minted = { ...request, avatarSessionId: 'stream', tokenHash: new Uint8Array(32) };
  expect(ann.act('attach', minted)).toBe(true);
  ann.now += slowMint * 1000;
  ann.act('start', { ...minted, avatarName: null });
  ann.runUntil(ann.now + 1800_000);
  expect(ann.state.records).toMatchObject([{ durationSeconds: 1800, estimatedCost: 15_500_000n }]);
  expect(ann.entries.map(({ heldCost, usedCost }) => [heldCost, usedCost])).toEqual([
    [30_000_000n, 0n],
    [-30_000_000n, 15_500_000n],
  ]);
});

it('issues no token whose mint took longer than its time to live', () => {
  const ann = createDecider();
  const request = holdRequest();
  ann.act('hold', request);
  ann.now += DEFAULT_POLICY.tokenTtlSeconds * 1000;
  const minted = { ...request, avatarSessionId: 'stream', tokenHash: new Uint8Array(32) };
  expect(ann.act('attach', minted)).toBe(false);
  ann.runUntil(ann.now);
  expect(ann.state.records).toMatchObject([{ endReason: 'token_expired' }]);
  expect(ann.stops).toMatchObject([{ avatarSessionId: 'stream' }]);
});

it('grants no more than the account has left, and no place that another user has', () => {
  const account = newAccount();
  const policy = { accountLimitCost: 20_000_000n, accountMaxSessions: 2, maxConcurrentSessions: 2 };
  const ann = createDecider({ account, policy });
  const bob = createDecider({ account, policy, userId: 'bob' });
  expect(ann.act('hold', holdRequest())).toEqual({ outcome: 'granted', grantSeconds: 1800 });
  expect(bob.act('hold', holdRequest({ userId: 'bob' }))).toEqual({ outcome: 'granted', grantSeconds: 600 });
  expect(bob.act('hold', holdRequest({ userId: 'bob' }))).toEqual({ outcome: 'account_crowded' });
});

it('counts the tokens of a minute in the order of their age, whichever node granted them', () => {
  const rules = rulesOf({ maxTokensPerMinute: 2, maxConcurrentSessions: 2 });
  const calls = [holdRequest(), holdRequest()].map((request) => ({ act: 'hold', request }) as const);
  const ofAnotherNode = { ...newUser(), recentTokens: [START + 1500] };
  const { answers } = decide(ofAnotherNode, calls, { rules, now: START, account: null, takenSessions: new Set() });
  expect(answers).toEqual([
    { outcome: 'granted', grantSeconds: 1800 },
    { outcome: 'rate_limited', retryAt: new Date(START + 60_000) },
  ]);
});

it('keeps only the tokens that count toward the limit of a minute', () => {
  const rules = rulesOf({ maxTokensPerMinute: 3, maxConcurrentSessions: 2 });
  const tokensAfter = (recentTokens: number[]) => {
    const calls = [{ act: 'hold', request: holdRequest() } as const];
    const circumstances = { rules, now: START, account: null, takenSessions: new Set<string>() };
    return decide({ ...newUser(), recentTokens }, calls, circumstances).after.recentTokens;
  };
  expect(tokensAfter([START - 1, START - 59_999, START - 60_000])).toEqual([START, START - 1, START - 59_999]);
  expect(tokensAfter([START + 5, START - 60_000])).toEqual([START + 5, START]);
  // Refused: nothing is counted.
  expect(tokensAfter([START - 1, START - 2, START - 3])).toEqual([START - 1, START - 2, START - 3]);
});
