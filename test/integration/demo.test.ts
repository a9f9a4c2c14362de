import { describe, expect, it, test } from 'vitest';
import { prepareDemoUser } from '../../src/demo.ts';
import { periodAt } from '../../src/domain/period.ts';
import { useAt } from '../../src/domain/quota.ts';
import { percentagesAt, warningAt } from '../../src/domain/thresholds.ts';
import { sweepAll } from '../support/due-work.ts';
import { createTestStore, startSession, type TestStore } from '../support/store.ts';

const start = ({ pool, policy, clock }: TestStore) => prepareDemoUser({ pool, policy, now: clock.now() });

const read = ({ store, policy, clock }: TestStore, userId: string) =>
  store.read(userId, periodAt(clock.now(), policy.billingTimeZone));

async function warningOf(test: TestStore, userId: string) {
  const { policy, clock } = test;
  return warningAt(await read(test, userId), policy.thresholds, clock.now(), policy.currency);
}

/** Streams for a minute, as the user of GraphiQL does. */
async function crossTheThreshold(test: TestStore, userId: string): Promise<void> {
  expect(await warningOf(test, userId)).toBeNull();
  await startSession(test, { userId });
  test.clock.advance(59);
  await sweepAll(test);
  expect(await warningOf(test, userId)).toBeNull();
  test.clock.advance(1);
  await sweepAll(test);
  expect(await warningOf(test, userId)).toMatchObject({ level: 'approaching_limit', thresholdPercent: 80 });
  expect((await read(test, userId)).alerts).toHaveLength(1);
}

test('the demo user has used 47 of 60 minutes and 23.50', async () => {
  await using test = await createTestStore();
  const userId = await start(test);
  expect(userId).toBe('demo-user');
  const quota = await read(test, userId);
  expect(useAt(quota, test.clock.now())).toMatchObject({ usedSeconds: 47 * 60, usedCost: 23_500_000n, heldSeconds: 0 });
  expect(percentagesAt(quota, test.clock.now())).toEqual({ minutes: 78.33, cost: 47 });
  await crossTheThreshold(test, userId);
});

describe('another start', () => {
  it('gives the same user while nothing has happened to it', async () => {
    await using test = await createTestStore();
    const userId = await start(test);
    test.clock.advance(86_400);
    const before = await test.database.query('SELECT * FROM avatar_usage_records ORDER BY id');
    expect(await start(test)).toBe(userId);
    expect(await test.database.query('SELECT * FROM avatar_usage_records ORDER BY id')).toEqual(before);
  });

  it('shows the warning again after it has fired, on the same day and on the next', async () => {
    await using test = await createTestStore();
    const users: string[] = [];
    for (let day = 0; day < 3; day++) {
      users.push(await start(test));
      await crossTheThreshold(test, users.at(-1) ?? '');
      test.clock.advance(day * 86_400);
    }
    expect(users).toEqual(['demo-user', 'demo-user-2', 'demo-user-3']);
  });

  it('leaves an open session to its user', async () => {
    await using test = await createTestStore();
    const userId = await start(test);
    await startSession(test, { userId });
    expect(await start(test)).toBe('demo-user-2');
    expect((await read(test, userId)).openRecords).toMatchObject([{ status: 'active' }]);
  });

  it('leaves a user alone whose limits were changed, or who was switched off', async () => {
    await using test = await createTestStore();
    const change = { limitMinutes: null, limitCost: null, isActive: null };
    await test.store.changeLimits({ ...change, userId: await start(test), limitMinutes: 120 });
    expect(await start(test)).toBe('demo-user-2');
    await test.store.changeLimits({ ...change, userId: 'demo-user-2', isActive: false });
    expect(await start(test)).toBe('demo-user-3');
    expect(await read(test, 'demo-user')).toMatchObject({ limitMinutes: 120, settledSeconds: 47 * 60 });
    await crossTheThreshold(test, 'demo-user-3');
  });

  it('gives the first user a history of the new month', async () => {
    await using test = await createTestStore();
    await crossTheThreshold(test, await start(test));
    test.clock.set('2026-12-05T09:00:00Z');
    await sweepAll(test);
    expect(await start(test)).toBe('demo-user');
    await crossTheThreshold(test, 'demo-user');
  });
});

test.each(['2026-12-01T00:00:00Z', '2026-12-01T00:00:30Z', '2026-12-01T00:20:00Z'])(
  'at %s, when the month is too young, the use still belongs to it',
  async (instant) => {
    await using test = await createTestStore();
    test.clock.set(instant);
    const userId = await start(test);
    expect(useAt(await read(test, userId), test.clock.now()).usedSeconds).toBe(47 * 60);
    expect(await test.store.read(userId, '2026-11')).toMatchObject({ sessionCount: 0, settledSeconds: 0 });
    await crossTheThreshold(test, userId);
  },
);

test.each([
  [{ maxTokensPerMinute: 1 }],
  [{ maxTokensPerMinute: 1, defaultLimitMinutes: 5, minSessionSeconds: 1 }],
  [{ maxSessionSeconds: 60 }],
  [{ defaultLimitMinutes: 6000, defaultLimitCost: 5_000_000_000n }],
  [{ pricePerMinute: 5_000_000n }],
  [{ thresholds: [50, 80, 95] }],
  [{ billingTimeZone: 'America/New_York' }],
])('with %o the first warning comes within a minute', async (settings) => {
  await using test = await createTestStore(settings);
  const userId = await start(test);
  expect(await warningOf(test, userId)).toBeNull();
  await startSession(test, { userId, pricePerMinute: test.policy.pricePerMinute });
  test.clock.advance(60);
  await sweepAll(test);
  expect(await warningOf(test, userId)).toMatchObject({ thresholdPercent: test.policy.thresholds[0] });
});

test('a limit of nothing, one that a month cannot use up, or an account without room leaves no history', async () => {
  const settings = [
    { defaultLimitMinutes: 0 },
    { defaultLimitCost: 0n },
    { defaultLimitMinutes: 1_000_000, pricePerMinute: 0n },
    { accountLimitCost: 1_000_000n },
  ];
  for (const each of settings) {
    await using test = await createTestStore(each);
    expect(await start(test)).toBe('demo-user');
    expect(await start(test)).toBe('demo-user');
    expect(await read(test, 'demo-user')).toMatchObject({ sessionCount: 0, settledSeconds: 0 });
  }
});
