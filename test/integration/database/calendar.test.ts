import { describe, expect, it } from 'vitest';
import { fillCalendar } from '../../../src/database/calendar.ts';
import { nextPeriod, periodAt } from '../../../src/domain/period.ts';
import { ALWAYS, dueWork, sweepAll } from '../../support/due-work.ts';
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
    await expect(dueWork(test).sweepRecords(ALWAYS)).resolves.toBe(0);

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

  it.each(['UTC', 'Europe/Berlin', 'Pacific/Auckland', 'America/Havana', 'Australia/Lord_Howe'])(
    'of %s follow one another without a gap, as the domain counts them',
    async (billingTimeZone) => {
      await using test = await createTestStore({ billingTimeZone });
      const months = await calendar(test);
      expect(months).toHaveLength(80 * 12);
      for (const [index, { period, starts_at, ends_at }] of months.entries()) {
        expect(periodAt(starts_at, billingTimeZone)).toBe(period);
        expect(periodAt(new Date(ends_at.getTime() - 1), billingTimeZone)).toBe(period);
        if (index > 0) expect(starts_at).toEqual(months[index - 1]?.ends_at);
      }
    },
  );
});

describe('a billing time zone that is changed', () => {
  it('moves the ends of this month and those to come, not of those that are over', async () => {
    await using test = await createTestStore();
    const before = await calendar(test);

    await fillCalendar(test.pool, 'Europe/Berlin', test.clock.now());

    const after = await calendar(test);
    const isOver = ({ period }: { period: string }) => period < '2026-11';
    expect(after.filter(isOver)).toEqual(before.filter(isOver));
    expect(after.find(({ period }) => period === '2026-11')).toMatchObject({
      starts_at: new Date('2026-10-31T23:00:00Z'),
      ends_at: new Date('2026-11-30T23:00:00Z'),
    });
  });

  it('gives out tokens also in the hours between two months that it may leave', async () => {
    await using test = await createTestStore();
    test.clock.set('2026-12-01T00:30:00Z');
    await fillCalendar(test.pool, 'America/New_York', test.clock.now());
    await expect(test.store.hold(holdRequest())).resolves.toMatchObject({ outcome: 'granted' });
    await test.store.changeLimits({ userId: 'ann', limitMinutes: 10, limitCost: null, isActive: null });
    expect(await test.store.read('ann', '2026-12')).toMatchObject({ limitMinutes: 10, reservedSeconds: 600 });
  });

  it('moves a running session’s boundary with it', async () => {
    await using test = await createTestStore();
    test.clock.set('2026-11-30T22:50:00Z');
    const avatarSessionId = await startSession(test);
    await fillCalendar(test.pool, 'Europe/Berlin', test.clock.now());
    test.clock.advance(900);
    await test.store.end({
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

function calendar({ database }: TestStore) {
  return database.query<{ period: string; starts_at: Date; ends_at: Date }>(
    'SELECT * FROM billing_periods ORDER BY period',
  );
}
