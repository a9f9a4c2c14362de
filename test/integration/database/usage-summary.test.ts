import { describe, expect, it } from 'vitest';
import { createUsageReader } from '../../../src/database/usage-summary.ts';
import { createTestStore, startSession, type TestStore } from '../../support/store.ts';

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
    const ben = await startSession(test, { avatarName: 'ben' });
    test.clock.advance(120);
    await end(test, ben, { errorMessage: 'the tab crashed' });
    test.clock.set('2026-11-11T00:00:00Z');
    await startSession(test, { avatarName: 'anna' });
    test.clock.advance(30.5);

    expect(await summary(test)).toEqual({
      period: '2026-11',
      sessionCount: 3,
      completedCount: 1,
      errorCount: 1,
      totalSeconds: 210,
      totalCost: 1_754_167n,
      wordsSpoken: 100,
      messagesCount: 4,
      byAvatar: [
        { avatarName: 'ben', sessionCount: 1, totalSeconds: 120, totalCost: 1_000_000n },
        { avatarName: 'anna', sessionCount: 2, totalSeconds: 90, totalCost: 754_167n },
      ],
      byDay: [
        { date: '2026-11-10', sessionCount: 2, totalSeconds: 180, totalCost: 1_500_000n },
        { date: '2026-11-11', sessionCount: 1, totalSeconds: 30, totalCost: 254_167n },
      ],
    });
  });

  it('bears the largest counts that clients can report', async () => {
    await using test = await createTestStore();
    for (let session = 0; session < 2; session++) {
      await end(test, await startSession(test), { wordsSpoken: LARGEST_COUNT, messagesCount: LARGEST_COUNT });
    }
    expect(await summary(test)).toMatchObject({ wordsSpoken: LARGEST_COUNT, messagesCount: LARGEST_COUNT });
  });
});

function summary({ pool, policy, clock }: TestStore) {
  const { billingTimeZone } = policy;
  return createUsageReader({ pool, billingTimeZone, clock: clock.now }).summary('ann', '2026-11');
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
