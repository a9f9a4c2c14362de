import { describe, expect, it } from 'vitest';
import { createQuotaStore } from '../../../src/database/quota-store.ts';
import { nextPeriod } from '../../../src/domain/period.ts';
import { ALWAYS, dueWork, holdAfterStop, sweepAll } from '../../support/due-work.ts';
import { createTestStore, holdRequest, startSession, type TestStore } from '../../support/store.ts';

const MINUTE_MS = 60_000;

describe('the months of the billing time zone', () => {
  it.each([
    ['Europe/Berlin, two days after its clocks went forward', 'Europe/Berlin', '2026-03', '2026-03-31T22:00:00Z'],
    ['Europe/Berlin, a week after its clocks went back', 'Europe/Berlin', '2026-10', '2026-10-31T23:00:00Z'],
    ['Pacific/Auckland, in its summer', 'Pacific/Auckland', '2026-03', '2026-03-31T11:00:00Z'],
    ['Pacific/Auckland, in its winter', 'Pacific/Auckland', '2026-08', '2026-08-31T12:00:00Z'],
    ['Pacific/Auckland, over the turn of the year', 'Pacific/Auckland', '2026-12', '2026-12-31T11:00:00Z'],
    ['Asia/Kolkata, half an hour off', 'Asia/Kolkata', '2026-11', '2026-11-30T18:30:00Z'],
    ['America/St_Johns, half an hour off', 'America/St_Johns', '2026-11', '2026-12-01T03:30:00Z'],
    ['Asia/Kathmandu, a quarter of an hour off', 'Asia/Kathmandu', '2026-11', '2026-11-30T18:15:00Z'],
  ])('split a session in %s', async (_, billingTimeZone, period, end) => {
    await using test = await createTestStore({ billingTimeZone }, { timeZone: 'America/New_York' });
    const endsAt = Date.parse(end);
    test.clock.set(new Date(endsAt - 10 * MINUTE_MS).toISOString());
    const avatarSessionId = await startSession(test);
    test.clock.set(new Date(endsAt - 1).toISOString());
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);

    test.clock.set(end);
    await sweepAll(test);
    test.clock.advance(300);
    await test.store.end({
      userId: 'ann',
      avatarSessionId,
      wordsSpoken: null,
      messagesCount: null,
      errorMessage: null,
    });

    expect(await test.database.query('SELECT current_month, used_seconds FROM usage_quotas ORDER BY 1')).toEqual([
      { current_month: period, used_seconds: 600 },
      { current_month: nextPeriod(period), used_seconds: 300 },
    ]);
  });
});

describe('a billing time zone that is changed', () => {
  it('gives out tokens also in the hours between two months that it may leave', async () => {
    await using test = await createTestStore();
    test.clock.set('2026-12-01T00:30:00Z');
    await startSession(test, { sessionId: 'chat' });
    const { store } = inTimeZone(test, 'America/New_York');
    const token = holdAfterStop(test, holdRequest({ sessionId: 'chat' }), store);
    await expect(token).resolves.toMatchObject({ outcome: 'granted' });
    await store.changeLimits({ userId: 'ann', limitMinutes: 10, limitCost: null, isActive: null });
    expect(await store.read('ann', '2026-11')).toMatchObject({ limitMinutes: 10, reservedSeconds: 600 });
  });

  it('moves a running session’s boundary with it', async () => {
    await using test = await createTestStore();
    test.clock.set('2026-11-30T22:50:00Z');
    const avatarSessionId = await startSession(test);
    const { store } = inTimeZone(test, 'Europe/Berlin');
    test.clock.advance(900);
    await store.end({
      userId: 'ann',
      avatarSessionId,
      wordsSpoken: null,
      messagesCount: null,
      errorMessage: null,
    });
    expect(await test.database.query('SELECT current_month, used_seconds FROM usage_quotas ORDER BY 1')).toEqual([
      { current_month: '2026-11', used_seconds: 600 },
      { current_month: '2026-12', used_seconds: 300 },
    ]);
  });
});

/** The test, with the store of a node that was started with another billing time zone. */
function inTimeZone(test: TestStore, billingTimeZone: string): TestStore {
  const policy = { ...test.policy, billingTimeZone };
  return { ...test, policy, store: createQuotaStore({ pool: test.pool, policy, clock: test.clock.now }) };
}
