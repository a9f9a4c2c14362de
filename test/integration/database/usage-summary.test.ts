import { describe, expect, it } from 'vitest';
import { createUsageReader } from '../../../src/database/usage-summary.ts';
import { useAt } from '../../../src/domain/quota.ts';
import type { UsageSummary } from '../../../src/domain/usage-summary.ts';
import { confirmStops, sweepAll } from '../../support/due-work.ts';
import { enterPrice } from '../../support/prices.ts';
import { createTestStore, holdRequest, startSession, type TestStore } from '../../support/store.ts';

const LARGEST_COUNT = 2 ** 31 - 1;

describe('the summary of a month', () => {
  it('has nothing for a user who has used nothing', async () => {
    await using test = await createTestStore();
    expect(await summary(test)).toEqual({
      period: '2026-11',
      sessionCount: 0,
      completedCount: 0,
      errorCount: 0,
      totalSeconds: 0,
      totalCost: 0n,
      wordsSpoken: 0,
      messagesCount: 0,
      byAvatar: [],
      byDay: [],
    });
  });

  it('adds up sessions by avatar and by day, the running one up to now', async () => {
    await using test = await createTestStore({ maxConcurrentSessions: 3 });
    const anna = await startSession(test, { avatarName: 'anna' });
    test.clock.advance(60);
    await end(test, anna, { wordsSpoken: 100, messagesCount: 4 });
    await confirmStops(test);
    const ben = await startSession(test, { avatarName: 'ben' });
    test.clock.advance(120);
    await end(test, ben, { errorMessage: 'the tab crashed' });
    await confirmStops(test);
    test.clock.set('2026-11-11T00:00:00Z');
    await startSession(test, { avatarName: 'anna' });
    test.clock.advance(30.5);

    expect(await summary(test)).toEqual({
      period: '2026-11',
      sessionCount: 3,
      completedCount: 1,
      errorCount: 1,
      totalSeconds: 210,
      totalCost: 1_754_166n,
      wordsSpoken: 100,
      messagesCount: 4,
      byAvatar: [
        { avatarName: 'ben', sessionCount: 1, totalSeconds: 120, totalCost: 1_000_000n },
        { avatarName: 'anna', sessionCount: 2, totalSeconds: 90, totalCost: 754_166n },
      ],
      byDay: [
        { date: '2026-11-10', sessionCount: 2, totalSeconds: 180, totalCost: 1_500_000n },
        { date: '2026-11-11', sessionCount: 1, totalSeconds: 30, totalCost: 254_166n },
      ],
    });
  });

  it('counts the vendor’s figures once they are known, in the months where their seconds fall', async () => {
    await using test = await createTestStore();
    test.clock.set('2026-11-30T23:50:00Z');
    const anna = await startSession(test, { avatarName: 'anna' });
    test.clock.set('2026-12-01T00:02:00Z');
    await end(test, anna, {});
    const totals = async () => [await summary(test, '2026-11'), await summary(test, '2026-12')].map(figuresOf);
    expect(await totals()).toEqual([
      [600, 5_000_000n],
      [120, 1_000_000n],
    ]);

    await setActual(test, 630, '5.25');
    expect(await totals()).toEqual([
      [600, 5_000_000n],
      [30, 250_000n],
    ]);
    await setActual(test, 590, '4.9');
    expect(await totals()).toEqual([
      [590, 4_900_000n],
      [0, 0n],
    ]);
    await setActual(test, null, null);
  });

  it('counts what the vendor bills for a token that nobody said was started, on the day it was asked for', async () => {
    await using test = await createTestStore();
    test.clock.set('2026-11-11T00:00:00Z');
    const token = holdRequest();
    await test.store.hold(token);
    await test.store.close({ recordId: token.recordId, userId: 'ann', reason: 'token_expired', errorMessage: null });
    expect(await summary(test)).toMatchObject({ totalSeconds: 0, byAvatar: [], byDay: [] });

    await setActual(test, 60, '0.5');
    const totals = { sessionCount: 0, totalSeconds: 60, totalCost: 500_000n };
    expect(await summary(test)).toMatchObject({
      ...totals,
      byAvatar: [{ avatarName: 'default', ...totals }],
      byDay: [{ date: '2026-11-11', ...totals }],
    });
    await setActual(test, null, null);
  });

  it('adds to a running session’s cost what its seconds cost at earlier prices', async () => {
    await using test = await createTestStore();
    const session = await startSession(test);
    test.clock.advance(30);
    await enterPrice(test, '1.2', { from: test.clock.now().toISOString() });
    await sweepAll(test);
    test.clock.advance(60);

    expect(await summary(test)).toMatchObject({ totalSeconds: 90, totalCost: 1_450_000n });
    expect((await summary(test)).totalCost).toBe(
      useAt(await test.store.read('ann', '2026-11'), test.clock.now()).usedCost,
    );
    await end(test, session, {});
  });

  it('bears the largest counts that clients can report', async () => {
    await using test = await createTestStore();
    for (let session = 0; session < 2; session++) {
      await end(test, await startSession(test), { wordsSpoken: LARGEST_COUNT, messagesCount: LARGEST_COUNT });
      await confirmStops(test);
    }
    expect(await summary(test)).toMatchObject({ wordsSpoken: LARGEST_COUNT, messagesCount: LARGEST_COUNT });
  });
});

function summary({ pool, policy, clock }: TestStore, period = '2026-11') {
  const { billingTimeZone } = policy;
  return createUsageReader({
    pool,
    billingTimeZone,
    clock: clock.now,
  }).summary('ann', period);
}

function figuresOf({ totalSeconds, totalCost }: UsageSummary) {
  return [totalSeconds, totalCost];
}

/** The vendor's figures of the one record, not booked: they are taken back before the books are checked. */
async function setActual({ pool }: TestStore, seconds: number | null, cost: string | null): Promise<void> {
  await pool.query('UPDATE avatar_usage_records SET actual_seconds = $1, actual_cost = $2', [seconds, cost]);
}

async function end({ store }: TestStore, avatarSessionId: string, words: Partial<Parameters<typeof store.end>[0]>) {
  await store.end({
    userId: 'ann',
    avatarSessionId,
    wordsSpoken: null,
    messagesCount: null,
    errorMessage: null,
    ...words,
  });
}
