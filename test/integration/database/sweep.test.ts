import { describe, expect, it } from 'vitest';
import { createDueWork } from '../../../src/database/due-work.ts';
import { ALWAYS, confirmStops, dueWork, holdAfterStop, sweepAll } from '../../support/due-work.ts';
import { listen } from '../../support/listen.ts';
import { lockUser } from '../../support/lock.ts';
import { createTestStore, holdRequest, startSession, type TestStore } from '../../support/store.ts';

const PERIOD = '2026-11';

describe('what has ended by the clock', () => {
  it('is nothing before its time', async () => {
    await using test = await createTestStore();
    await attachedToken(test);
    await startSession(test, { userId: 'bob' });
    test.clock.advance(299.999);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    expect(await endings(test)).toEqual([]);
  });

  it('is a token that was not used', async () => {
    await using test = await createTestStore();
    await attachedToken(test);
    test.clock.advance(300);

    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(1);

    expect(await endings(test)).toEqual([
      { user_id: 'ann', status: 'expired', end_reason: 'token_expired', duration_seconds: 0 },
    ]);
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ reservedSeconds: 0, settledSeconds: 0 });
    expect(await test.database.query('SELECT reason FROM vendor_stops')).toEqual([{ reason: 'token_expired' }]);
  });

  it('is a session at its deadline, which the vendor kept however late the sweep', async () => {
    await using test = await createTestStore();
    await startSession(test);
    test.clock.advance(1900);
    await dueWork(test).sweep(ALWAYS);
    expect(await endings(test)).toEqual([
      { user_id: 'ann', status: 'completed', end_reason: 'deadline_reached', duration_seconds: 1800 },
    ]);
  });

  it('is, where the vendor takes no cap, a session that ran until the sweep', async () => {
    await using test = await createTestStore();
    await startSession(test, { vendorCaps: false });
    test.clock.advance(1802);
    await dueWork(test).sweep(ALWAYS);
    expect(await endings(test)).toEqual([
      { user_id: 'ann', status: 'completed', end_reason: 'deadline_reached', duration_seconds: 1802 },
    ]);
  });

  it('is a session whose heartbeats stopped, settled at the last one', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(40);
    await test.store.heartbeat(beat(avatarSessionId));
    test.clock.advance(90);

    await dueWork(test).sweep(ALWAYS);

    expect(await endings(test)).toEqual([
      { user_id: 'ann', status: 'completed', end_reason: 'heartbeat_lost', duration_seconds: 40 },
    ]);
  });

  it('is not a session that was never asked for heartbeats', async () => {
    await using test = await createTestStore();
    await startSession(test);
    test.clock.advance(1799);
    // due only for the notice that it ends soon
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(1);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    expect(await endings(test)).toEqual([]);
  });

  it('is not a session whose heartbeat came just before the sweep', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    await test.store.heartbeat(beat(avatarSessionId));
    test.clock.advance(90);
    await test.store.heartbeat(beat(avatarSessionId));
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
  });

  it('is looked at again where the interval of heartbeats was made longer', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    await test.store.heartbeat(beat(avatarSessionId));
    test.clock.advance(90);
    const { pool, clock } = test;
    const work = createDueWork({
      pool,
      vendorName: 'simulator',
      clock: clock.now,
      policy: { ...test.policy, heartbeatSeconds: 60 },
    });

    // due for nothing but this look
    await expect(work.sweep(ALWAYS)).resolves.toBe(0);

    expect(await endings(test)).toEqual([]);
    await expect(work.nextDue()).resolves.toEqual(new Date('2026-11-10T12:03:00.000Z'));
  });

  it('is settled once each when two nodes sweep 200 records at once', async () => {
    await using test = await createTestStore();
    await Promise.all(Array.from({ length: 200 }, (_, user) => startSession(test, { userId: `user-${user}` })));
    test.clock.advance(1800);
    const nodes = [dueWork(test), dueWork(test)];

    await Promise.all(
      nodes.map(async (node) => {
        while ((await node.sweep(ALWAYS)) > 0);
      }),
    );
    await dueWork(test).sweep(ALWAYS);

    expect(
      await test.database.query(`SELECT entry, count(*)::integer FROM quota_ledger GROUP BY entry ORDER BY entry`),
    ).toEqual([
      { entry: 'hold', count: 200 },
      { entry: 'settle', count: 200 },
    ]);
  });

  it('is taken in parts, the longest due first', async () => {
    await using test = await createTestStore();
    const hold = (userId: string) => test.store.hold(holdRequest({ userId }));
    await Promise.all(Array.from({ length: 500 }, (_, user) => hold(`user-${user}`)));
    test.clock.advance(1);
    await hold('last');
    test.clock.advance(300);
    const work = dueWork(test);
    const unswept = () =>
      test.database.query('SELECT user_id FROM avatar_usage_records WHERE end_reason IS NULL ORDER BY 1');

    await expect(work.sweep(ALWAYS)).resolves.toBe(500);
    expect(await unswept()).toEqual([{ user_id: 'last' }]);
    await expect(work.sweep(ALWAYS)).resolves.toBe(1);
    await expect(work.sweep(ALWAYS)).resolves.toBe(0);
  });

  it('is left to the next sweep where a user is locked, and holds up no other', async () => {
    await using test = await createTestStore();
    await startSession(test);
    await startSession(test, { userId: 'bob' });
    test.clock.advance(1800);
    await using lock = await lockUser(test);

    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(1);
    expect(await endings(test)).toMatchObject([{ user_id: 'bob' }]);
    await lock.release();

    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(1);
    expect(await endings(test)).toHaveLength(2);
  });
});

describe('heartbeats that could not be heard while the service was away', () => {
  // The last one came at 12:00:10; the service is back at 12:02:00, and gives its clients until 12:03:30.
  const lapsesFrom = new Date('2026-11-10T12:03:30.000Z');

  it('are not missed until the clients had the time to send the next', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await heardOnce(test);
    test.clock.set('2026-11-10T12:02:00Z');

    await expect(dueWork(test).sweep(lapsesFrom)).resolves.toBe(0);

    await expect(dueWork(test).nextDue()).resolves.toEqual(lapsesFrom);
    test.clock.set('2026-11-10T12:03:29.999Z');
    await sweepAll(test, lapsesFrom);
    await test.store.heartbeat(beat(avatarSessionId));
    test.clock.advance(89.999);
    await sweepAll(test, lapsesFrom);
    expect(await endings(test)).toEqual([]);
    test.clock.advance(0.001);
    await sweepAll(test, lapsesFrom);
    expect(await endings(test)).toMatchObject([{ end_reason: 'heartbeat_lost', duration_seconds: 210 }]);
  });

  it('end the session at the last one where none follows', async () => {
    await using test = await createTestStore();
    await heardOnce(test);
    test.clock.set('2026-11-10T12:02:00Z');
    await sweepAll(test, lapsesFrom);
    test.clock.set('2026-11-10T12:03:30Z');
    await sweepAll(test, lapsesFrom);
    expect(await endings(test)).toMatchObject([{ end_reason: 'heartbeat_lost', duration_seconds: 10 }]);
  });

  it('do not end a session earlier that came to its deadline meanwhile', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 2 });
    await heardOnce(test);
    test.clock.set('2026-11-10T12:02:00Z');
    await sweepAll(test, lapsesFrom);
    expect(await endings(test)).toMatchObject([{ end_reason: 'deadline_reached', duration_seconds: 120 }]);
  });

  it('are put off for all nodes by the one that was away', async () => {
    await using test = await createTestStore();
    await heardOnce(test);
    test.clock.set('2026-11-10T12:02:00Z');
    await dueWork(test).sweep(lapsesFrom);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    test.clock.set('2026-11-10T12:03:30Z');
    await sweepAll(test);
    expect(await endings(test)).toMatchObject([{ end_reason: 'heartbeat_lost', duration_seconds: 10 }]);
  });

  async function heardOnce(test: TestStore): Promise<string> {
    const avatarSessionId = await startSession(test);
    test.clock.advance(10);
    await test.store.heartbeat(beat(avatarSessionId));
    return avatarSessionId;
  }
});

describe('a clock that is set back by 30 s', () => {
  it('ends nothing twice and warns of nothing twice', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 10, maxConcurrentSessions: 2 });
    await startSession(test);
    test.clock.advance(540);
    await sweepAll(test);
    const before = await test.store.read('ann', PERIOD);
    const heard = await listen(test);

    test.clock.advance(-30);
    await sweepAll(test);
    test.clock.advance(30);
    await sweepAll(test);

    expect(await heard('quota_events')).toEqual([]);
    expect(await test.store.read('ann', PERIOD)).toEqual(before);
    test.clock.advance(60);
    await sweepAll(test);
    test.clock.advance(-30);
    await sweepAll(test);
    expect(await endings(test)).toMatchObject([{ end_reason: 'deadline_reached', duration_seconds: 600 }]);
  });

  it('does not take a heartbeat for missed', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(60);
    await test.store.heartbeat(beat(avatarSessionId));
    test.clock.advance(-30);
    await test.store.heartbeat(beat(avatarSessionId));
    test.clock.advance(119.999);
    await sweepAll(test);
    expect(await endings(test)).toEqual([]);
  });

  it('across the month’s end leaves balanced books', async () => {
    await using test = await createTestStore();
    test.clock.set('2026-11-30T23:50:00Z');
    await startSession(test, { sessionId: 'chat' });
    test.clock.set('2026-12-01T00:00:05Z');
    await sweepAll(test);
    test.clock.advance(-30);

    await sweepAll(test);
    await holdAfterStop(test, holdRequest({ sessionId: 'chat' }));
    const again = await startSession(test, { sessionId: 'chat', avatarName: 'ben' });
    test.clock.advance(60);
    await sweepAll(test);
    await test.store.end({ ...beat(again), errorMessage: null });

    expect(await test.database.query('SELECT current_month, used_seconds FROM usage_quotas ORDER BY 1')).toEqual([
      { current_month: PERIOD, used_seconds: 575 + 25 },
      { current_month: '2026-12', used_seconds: 35 },
    ]);
  });
});

describe('a threshold', () => {
  it('fires at the moment of its crossing, not a millisecond before, and once', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 10 });
    await startSession(test);
    const work = dueWork(test);
    test.clock.advance(479.999);
    await expect(work.sweep(ALWAYS)).resolves.toBe(0);
    test.clock.advance(0.001);
    await expect(work.sweep(ALWAYS)).resolves.toBe(1);
    await expect(work.sweep(ALWAYS)).resolves.toBe(0);

    expect(await alerts(test)).toEqual([
      { quota_limit: 'minutes', threshold_percent: 80, crossed_at: new Date('2026-11-10T12:08:00.000Z') },
    ]);
    expect(await nextThresholdAt(test)).toEqual(new Date('2026-11-10T12:10:00.000Z'));
  });

  // A price of 0.50 a minute is 0.008333… a second: 40.00 are reached after 4800 seconds, and not only almost.
  it('of the cost fires at the very millisecond too, where the price per second has no end of decimals', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 1000, maxSessionSeconds: 7200 });
    await startSession(test);
    test.clock.advance(4799.999);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    test.clock.advance(0.001);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(1);
    expect(await alerts(test)).toEqual([
      { quota_limit: 'cost', threshold_percent: 80, crossed_at: new Date('2026-11-10T13:20:00.000Z') },
    ]);
  });

  it('fires for each limit, and the limit itself besides', async () => {
    await using test = await createTestStore({
      defaultLimitMinutes: 10,
      defaultLimitCost: 5_000_000n,
      thresholds: [50, 80],
    });
    await startSession(test);
    test.clock.advance(600);
    await dueWork(test).sweep(ALWAYS);
    expect((await alerts(test)).map((alert) => `${alert.quota_limit} ${alert.threshold_percent}`)).toEqual([
      'minutes 50',
      'minutes 80',
      'minutes 100',
      'cost 50',
      'cost 80',
      'cost 100',
    ]);
    expect(await nextThresholdAt(test)).toBeNull();
  });

  it('is foreseen from the prices of all running sessions', async () => {
    await using test = await createTestStore({
      maxConcurrentSessions: 2,
      maxSessionSeconds: 300,
      defaultLimitCost: 10_000_000n,
    });
    await startSession(test, { pricePerMinute: 500_000n, avatarName: 'plain' });
    test.clock.advance(60);
    await startSession(test, { pricePerMinute: 250_000n, avatarName: 'cheap' });
    // 8.00 at 80 %: 0.50 in the first minute, then 0.75 a minute
    expect(await nextThresholdAt(test)).toEqual(new Date('2026-11-10T12:11:00.000Z'));
  });

  it('is not foreseen while nothing runs', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    expect(await nextThresholdAt(test)).not.toBeNull();
    await test.store.end({ ...beat(avatarSessionId), errorMessage: null });
    expect(await nextThresholdAt(test)).toBeNull();
  });

  it('fires once when the settlement crosses it', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 10 });
    const avatarSessionId = await startSession(test);
    test.clock.advance(500);
    const nodes = [dueWork(test), dueWork(test)];
    await Promise.all([
      test.store.end({ ...beat(avatarSessionId), errorMessage: null }),
      ...nodes.map((node) => node.sweep(ALWAYS)),
    ]);
    expect(await alerts(test)).toHaveLength(1);
    await confirmStops(test);
    await startSession(test);
    expect(await alerts(test)).toHaveLength(1);
  });

  it('so far away that no date names it does not hinder the start', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 10_000_000, defaultLimitCost: 10n ** 15n });
    await startSession(test, { pricePerMinute: 1n });
    await startSession(test, { userId: 'bob', pricePerMinute: 0n });
  });
});

async function attachedToken({ store }: TestStore): Promise<void> {
  const hold = holdRequest();
  await store.hold(hold);
  await store.attach({
    userId: 'ann',
    recordId: hold.recordId,
    avatarSessionId: 'stream',
    tokenHash: new Uint8Array(32),
  });
}

function beat(avatarSessionId: string) {
  return { userId: 'ann', avatarSessionId, wordsSpoken: null, messagesCount: null };
}

function endings({ database }: TestStore) {
  return database.query(
    `SELECT user_id, status, end_reason, duration_seconds FROM avatar_usage_records WHERE end_reason IS NOT NULL`,
  );
}

function alerts({ database }: TestStore) {
  return database.query<{ quota_limit: string; threshold_percent: number; crossed_at: Date }>(
    'SELECT quota_limit, threshold_percent, crossed_at FROM quota_alerts ORDER BY quota_limit, threshold_percent',
  );
}

async function nextThresholdAt({ database }: TestStore): Promise<Date | null> {
  const [quota] = await database.query('SELECT next_threshold_at FROM usage_quotas');
  return quota?.next_threshold_at;
}
