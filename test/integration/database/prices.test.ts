import { describe, expect, it } from 'vitest';
import { createDecisions } from '../../../src/database/decisions.ts';
import { createDueWork } from '../../../src/database/due-work.ts';
import { createQuotaStore } from '../../../src/database/quota-store.ts';
import { useAt } from '../../../src/domain/quota.ts';
import { nextCrossing } from '../../../src/domain/thresholds.ts';
import { ALWAYS, confirmStops, dueWork, sweepAll } from '../../support/due-work.ts';
import { holdLock, lockUser } from '../../support/lock.ts';
import { intercept, pauseAt } from '../../support/pause.ts';
import { enterPrice } from '../../support/prices.ts';
import { createTestStore, FIRST_VERSION, holdRequest, startSession, type TestStore } from '../../support/store.ts';
import { waitForBlocked } from '../../support/wait-for.ts';

const PERIOD = '2026-11';
const START = '2026-11-10T12:00:00.000Z';
const UUID_REST = '-0000-4000-8000-000000000000';

/** A session of ann that started at START and ends so many seconds later. */
async function sessionOf(test: TestStore, seconds: number) {
  test.clock.set(START);
  const avatarSessionId = await startSession(test);
  await runFor(test, seconds);
  await end(test, avatarSessionId);
  await confirmStops(test);
  return record(test, avatarSessionId);
}

/** Lets the clock go on, and the sweeper do what falls due on the way. */
async function runFor(test: TestStore, seconds: number): Promise<void> {
  const until = test.clock.now().getTime() + seconds * 1000;
  for (;;) {
    const due = await nextSweep(test);
    if (!due || due.getTime() > until) break;
    if (due > test.clock.now()) test.clock.set(due.toISOString());
    await sweepAll(test);
  }
  test.clock.set(new Date(until).toISOString());
}

/** When something is due, the vendor's stops left out: they stay pending here. */
async function nextSweep({ pool }: TestStore): Promise<Date | null> {
  const { rows } = await pool.query<{ at: Date | null }>(
    'SELECT least((SELECT min(due_at) FROM avatar_usage_records), (SELECT min(next_threshold_at) FROM usage_quotas)) AS at',
  );
  return rows[0]?.at ?? null;
}

function end(test: TestStore, avatarSessionId: string) {
  const counts = { wordsSpoken: null, messagesCount: null, errorMessage: null };
  return test.store.end({ userId: 'ann', avatarSessionId, ...counts });
}

async function record({ pool }: TestStore, avatarSessionId: string) {
  const { rows } = await pool.query('SELECT * FROM avatar_usage_records WHERE avatar_session_id = $1', [
    avatarSessionId,
  ]);
  return rows[0];
}

describe('a session', () => {
  it('costs the price of the settings where no dated one is in force', async () => {
    await using test = await createTestStore();
    await enterPrice(test, '9.00', { mode: 'LITE' });
    await enterPrice(test, '9.00', { from: '2026-12-01T00:00:00Z' });
    expect(await sessionOf(test, 60)).toMatchObject({ duration_seconds: 60, estimated_cost: '0.500000' });
  });

  it('costs the dated price that is in force', async () => {
    await using test = await createTestStore();
    await enterPrice(test, '9.00');
    await enterPrice(test, '0.20', { from: '2026-11-01T00:00:00Z' });
    expect(await sessionOf(test, 90)).toMatchObject({ estimated_cost: '0.300000', price_per_minute: '0.200000' });
  });

  it('of a vendor with a list costs that, unless the operator has named a price', async () => {
    const grant = { vendor: 'liveavatar', vendorMode: 'LITE' };
    const held = async (test: TestStore) => {
      await test.store.hold(holdRequest(grant));
      return (await test.store.read('ann', PERIOD)).reservedCost;
    };
    // of 1.00
    const foreseen = async ({ store }: TestStore) => {
      await store.changeLimits({ userId: 'bob', limitMinutes: null, limitCost: 1_000_000n, isActive: null });
      return (await store.foresee('bob', { ...holdRequest(grant), sessionId: null })).admission;
    };
    await using listed = await createTestStore();
    expect(await held(listed)).toBe(3_000_000n);
    await using named = await createTestStore({ priceIsSet: true });
    expect(await held(named)).toBe(15_000_000n);
    expect(await foreseen(named)).toEqual({ outcome: 'granted', grantSeconds: 120 });
    expect(await foreseen(listed)).toEqual({ outcome: 'granted', grantSeconds: 600 });
    expect(await named.store.currentPrice('liveavatar', 'LITE')).toMatchObject({ perMinute: 500_000n });
    expect(await listed.store.currentPrice('liveavatar', 'LITE')).toMatchObject({ perMinute: 100_000n });
  });

  it('is in force from its moment on, and a later one not yet', async () => {
    await using test = await createTestStore();
    const modes = ['FULL', 'LITE'];
    const prices = async () => {
      const read = await Promise.all(modes.map((mode) => test.store.currentPrice('simulator', mode)));
      return read.map(({ perMinute }) => perMinute);
    };
    await enterPrice(test, '0.20', { from: '2026-11-10T12:00:00Z' });
    await enterPrice(test, '9.00', { from: '2026-11-10T12:00:01Z' });
    expect(await prices()).toEqual([200_000n, 500_000n]);
    test.clock.advance(1);
    expect(await prices()).toEqual([9_000_000n, 500_000n]);
  });

  it('is rounded up to the step and the minimum of the vendor, in money and not in time', async () => {
    await using test = await createTestStore();
    await enterPrice(test, '0.20', { step: 60, minimum: 120 });
    expect(await sessionOf(test, 61)).toMatchObject({ duration_seconds: 61, estimated_cost: '0.400000' });
    expect(await sessionOf(test, 120)).toMatchObject({ duration_seconds: 120, estimated_cost: '0.400000' });
    expect(await sessionOf(test, 121)).toMatchObject({ duration_seconds: 121, estimated_cost: '0.600000' });
    expect(await sessionOf(test, 0)).toMatchObject({ duration_seconds: 0, estimated_cost: '0.000000' });
  });

  it('costs each second at the price that was in force when it began', async () => {
    await using test = await createTestStore();
    await enterPrice(test, '0.60', { from: '2026-11-10T12:01:00.500Z' });
    await enterPrice(test, '1.20', { from: '2026-11-10T12:02:00Z' });
    // 61 at 0.50, 59 at 0.60, 30 at 1.20
    expect(await sessionOf(test, 150)).toMatchObject({ estimated_cost: '1.698333', price_per_minute: '1.200000' });
  });

  it('costs what is in force now, however far off the next price is', async () => {
    await using test = await createTestStore();
    await enterPrice(test, '9.00', { from: '9999-12-31T00:00:00Z' });
    expect(await sessionOf(test, 60)).toMatchObject({ estimated_cost: '0.500000', price_per_minute: '0.500000' });
  });

  it('is settled by the prices also if no sweeper was awake when they changed', async () => {
    await using test = await createTestStore();
    await enterPrice(test, '0.60', { from: '2026-11-10T12:01:00Z' });
    const avatarSessionId = await startSession(test);
    test.clock.advance(120);
    await end(test, avatarSessionId);
    expect(await record(test, avatarSessionId)).toMatchObject({ estimated_cost: '1.100000' });
  });

  it('whose heartbeats stopped before the price changed is settled at the old one', async () => {
    await using test = await createTestStore();
    await enterPrice(test, '6.00', { from: '2026-11-10T12:01:00Z' });
    const avatarSessionId = await startSession(test);
    test.clock.advance(30);
    await test.store.heartbeat({ userId: 'ann', avatarSessionId, wordsSpoken: null, messagesCount: null });
    await runFor(test, 300);
    expect(await record(test, avatarSessionId)).toMatchObject({ duration_seconds: 30, estimated_cost: '0.250000' });
  });

  it('whose heartbeats stopped before the month ended is rounded up in that month, once', async () => {
    await using test = await createTestStore();
    await enterPrice(test, '0.60', { step: 60 });
    test.clock.set('2026-11-30T23:59:10Z');
    const avatarSessionId = await startSession(test);
    test.clock.advance(30);
    await test.store.heartbeat({ userId: 'ann', avatarSessionId, wordsSpoken: null, messagesCount: null });
    // 50 seconds are settled at the month's end, before the heartbeats are missed
    await runFor(test, 120);
    expect(await record(test, avatarSessionId)).toMatchObject({
      end_reason: 'heartbeat_lost',
      duration_seconds: 30,
      estimated_cost: '0.600000',
    });
    expect(await test.store.read('ann', '2026-11')).toMatchObject({ settledSeconds: 30, settledCost: 600_000n });
    expect(await test.store.read('ann', '2026-12')).toMatchObject({ settledSeconds: 0, settledCost: 0n });
  });

  it('gets its new price if month and price change at the same moment', async () => {
    await using test = await createTestStore();
    await enterPrice(test, '1.00', { from: '2026-12-01T00:00:00Z', step: 60 });
    test.clock.set('2026-11-30T23:59:30Z');
    const avatarSessionId = await startSession(test);
    await runFor(test, 90);
    expect(useAt(await test.store.read('ann', '2026-12'), test.clock.now())).toMatchObject({ usedCost: 1_000_000n });
    await end(test, avatarSessionId);
    expect(await test.store.read('ann', '2026-11')).toMatchObject({ settledSeconds: 30, settledCost: 250_000n });
    expect(await test.store.read('ann', '2026-12')).toMatchObject({ settledSeconds: 60, settledCost: 1_000_000n });
  });
});

describe('a running session', () => {
  it('shows what its seconds have cost, and foresees its threshold, on both sides of a change', async () => {
    await using test = await createTestStore();
    await enterPrice(test, '3.00', { from: '2026-11-10T12:02:00Z' });
    await startSession(test);
    await runFor(test, 60);
    expect(useAt(await test.store.read('ann', PERIOD), test.clock.now())).toMatchObject({ usedCost: 500_000n });

    await runFor(test, 60);
    const state = await test.store.read('ann', PERIOD);
    expect(useAt(state, test.clock.now())).toMatchObject({ usedCost: 1_000_000n });
    // 39 more of 50 dollars at 3.00 a minute
    const crossing = new Date('2026-11-10T12:15:00.000Z');
    expect(nextCrossing(state, [80], test.clock.now())).toEqual(crossing);

    await runFor(test, 779.999);
    expect((await test.store.read('ann', PERIOD)).alerts).toEqual([]);
    await runFor(test, 0.001);
    expect((await test.store.read('ann', PERIOD)).alerts).toEqual([
      { limit: 'cost', thresholdPercent: 80, crossedAt: crossing },
    ]);
  });

  it('follows a price that is entered while it runs, and its hold with it', async () => {
    await using test = await createTestStore({ defaultLimitCost: 15_000_000n });
    const avatarSessionId = await startSession(test);
    expect(await record(test, avatarSessionId)).toMatchObject({ held_seconds: 1800, held_cost: '15.000000' });
    test.clock.advance(60);

    await expect(enterPrice(test, '1.00', { from: '2026-11-10T12:02:00Z' })).resolves.toBe(1);
    await sweepAll(test);
    // as if all of it cost the dearer price: 15 minutes of it
    expect(await record(test, avatarSessionId)).toMatchObject({ held_seconds: 900, grant_seconds: 900 });
    await runFor(test, 840);
    expect(await record(test, avatarSessionId)).toMatchObject({
      end_reason: 'deadline_reached',
      duration_seconds: 900,
      estimated_cost: '14.000000',
    });
  });

  it('holds more for the same time at a dearer price, and less at a cheaper one', async () => {
    await using test = await createTestStore({ maxConcurrentSessions: 2, defaultLimitMinutes: 600 });
    await startSession(test);
    await enterPrice(test, '1.50');
    await sweepAll(test);
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ reservedSeconds: 1800, reservedCost: 45_000_000n });
    // 5 of 50 dollars are left
    await expect(test.store.hold(holdRequest())).resolves.toEqual({ outcome: 'granted', grantSeconds: 200 });

    await enterPrice(test, '0.30');
    await sweepAll(test);
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ reservedSeconds: 2000, reservedCost: 10_000_000n });
  });

  it('gets its notice of the end, also if its price changes at that moment', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(1745);
    await enterPrice(test, '0.30');
    await sweepAll(test);
    const { rows } = await test.pool.query(
      `SELECT ending_notice, version FROM avatar_usage_records JOIN usage_quotas USING (user_id)`,
    );
    // token, start, new hold, notice
    expect(rows).toEqual([{ ending_notice: 60, version: FIRST_VERSION + 4 }]);
    expect(await record(test, avatarSessionId)).toMatchObject({ held_cost: '9.000000' });
  });

  it('is held for by the step and the minimum of its start, whatever later prices have', async () => {
    await using test = await createTestStore({ defaultLimitCost: 500_000n });
    const avatarSessionId = await startSession(test);
    await enterPrice(test, '0.10', { from: '2026-11-10T12:00:30Z', step: 60, minimum: 120 });
    await sweepAll(test);
    expect(await record(test, avatarSessionId)).toMatchObject({ held_seconds: 60, held_cost: '0.500000' });
  });

  it('costs no more than was held for it where the next month’s price has another step', async () => {
    await using test = await createTestStore({ maxSessionSeconds: 90 });
    await enterPrice(test, '0.60', { step: 60 });
    await enterPrice(test, '0.60', { from: '2026-12-01T00:00:00Z' });
    test.clock.set('2026-11-30T23:59:30Z');
    const avatarSessionId = await startSession(test);
    await runFor(test, 30);
    expect(await record(test, avatarSessionId)).toMatchObject({ held_seconds: 60, held_cost: '0.900000' });
    await runFor(test, 60);
    expect(await record(test, avatarSessionId)).toMatchObject({ duration_seconds: 90, estimated_cost: '1.200000' });
    expect(await test.store.read('ann', '2026-12')).toMatchObject({ settledSeconds: 60, settledCost: 900_000n });
  });

  it('is not touched by the price of another mode, vendor or currency', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    const before = await record(test, avatarSessionId);
    await expect(enterPrice(test, '9.00', { mode: 'LITE' })).resolves.toBe(0);
    await sweepAll(test);
    expect(await record(test, avatarSessionId)).toEqual(before);
  });
});

describe('a token', () => {
  it('holds the dearest price that can apply while it and its session live', async () => {
    await using test = await createTestStore({ defaultLimitCost: 10_000_000n });
    // minting may take 5 minutes, the start 5 more, and the session lasts 30
    await enterPrice(test, '1.00', { from: '2026-11-10T12:40:00Z' });
    await enterPrice(test, '90.00', { from: '2026-11-10T12:40:00.001Z' });
    await expect(test.store.hold(holdRequest())).resolves.toEqual({ outcome: 'granted', grantSeconds: 600 });
  });

  it('is granted whole steps of the vendor only, and none below its minimum', async () => {
    await using test = await createTestStore({ defaultLimitCost: 790_000n, minSessionSeconds: 1 });
    await enterPrice(test, '0.20', { step: 60, minimum: 120 });
    const { admission } = await test.store.foresee('ann', holdRequest());
    expect(admission).toEqual({ outcome: 'granted', grantSeconds: 180 });
    await expect(test.store.hold(holdRequest())).resolves.toEqual({ outcome: 'granted', grantSeconds: 180 });
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ reservedSeconds: 180, reservedCost: 600_000n });

    await enterPrice(test, '0.40', { step: 60, minimum: 120 });
    await expect(test.store.hold(holdRequest({ userId: 'bob' }))).resolves.toEqual({
      outcome: 'exceeded',
      limit: 'cost',
    });
  });

  it('never costs more than it holds, whatever its vendor rounds up', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 2 });
    await enterPrice(test, '0.20', { step: 60, minimum: 180 });
    const avatarSessionId = await startSession(test);
    expect(await record(test, avatarSessionId)).toMatchObject({ grant_seconds: 120, held_cost: '0.600000' });
    await runFor(test, 200);
    expect(await record(test, avatarSessionId)).toMatchObject({ duration_seconds: 120, estimated_cost: '0.600000' });
  });
});

describe('a price that is entered while a token is held', () => {
  it('does not wait for it, and is the price that the token is decided by', async () => {
    await using test = await createTestStore({ defaultLimitCost: 15_000_000n });
    const { pool, reached, release } = pauseAt(test.pool);

    const holding = test.anotherNode(0, pool).hold(holdRequest());
    await reached;
    await expect(enterPrice(test, '1.00')).resolves.toBe(0);
    await sweepAll(test);
    release();

    await expect(holding).resolves.toEqual({ outcome: 'granted', grantSeconds: 900 });
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ reservedSeconds: 900, reservedCost: 15_000_000n });
  });

  it('is followed also by a token that was saved at the very moment of the change', async () => {
    await using test = await createTestStore({ defaultLimitCost: 15_000_000n });
    const work = dueWork(test);
    await test.store.hold(holdRequest());
    const [saved] = await test.database.query('SELECT price_revision FROM avatar_usage_records');
    await enterPrice(test, '1.00');
    await work.sweep(ALWAYS);
    // As a save leaves it that saw the prices before the change, and was committed after the sweep.
    await test.database.query('UPDATE avatar_usage_records SET price_revision = $1', [saved?.price_revision]);

    await expect(work.sweep(ALWAYS)).resolves.toBe(1);
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ reservedSeconds: 900, reservedCost: 15_000_000n });
  });
});

it('a price is followed in the end by a user who was locked all the time', async () => {
  await using test = await createTestStore({ defaultLimitCost: 15_000_000n });
  await startSession(test);
  const work = dueWork(test);
  await enterPrice(test, '1.00');
  await using lock = await lockUser(test);
  await expect(work.sweep(ALWAYS)).resolves.toBe(0);
  test.clock.advance(60);
  await expect(work.sweep(ALWAYS)).resolves.toBe(0);
  await lock.release();

  await expect(work.sweep(ALWAYS)).resolves.toBe(1);
  expect(await test.store.read('ann', PERIOD)).toMatchObject({ reservedSeconds: 900 });
});

describe('a price that many sessions follow', () => {
  const SESSIONS = 1_600;

  it.each([
    ['without a ceiling', {}],
    ['under a ceiling', { accountLimitCost: 1_000_000_000_000n }],
  ])('holds up no token: they follow 500 at a time, %s', { timeout: 60_000 }, async (_, settings) => {
    await using test = await createTestStore(settings, { statementSeconds: 20 });
    await Promise.all(Array.from({ length: SESSIONS }, (_, user) => startSession(test, { userId: `user-${user}` })));
    await enterPrice(test, '1.00');
    const followed: number[] = [];
    const reached = Promise.withResolvers<void>();
    const pool = intercept(test.pool, async (name, run) => {
      if (name === 'save') reached.resolve();
      const result = await run();
      if (name === 'save') followed.push((result as { rows: unknown[] }).rows.length);
      return result;
    });
    const { policy, clock } = test;
    const node = { pool, policy, clock: clock.now };
    const decisions = createDecisions(node);
    const store = createQuotaStore({ ...node, decisions });
    const work = createDueWork({ ...node, decisions, vendorName: 'simulator' });

    const sweeping = (async () => {
      while ((await work.sweep(ALWAYS)) > 0);
    })();
    await reached.promise;
    await expect(store.hold(holdRequest({ userId: 'ann' }))).resolves.toMatchObject({ outcome: 'granted' });
    const followedFirst = followed.reduce((sum, users) => sum + users, 0);
    await sweeping;

    expect(followedFirst).toBeLessThanOrEqual(2 * 500 + 1);
    expect(Math.max(...followed)).toBeLessThanOrEqual(500);
    expect(followed.reduce((sum, users) => sum + users, 0)).toBe(SESSIONS + 1);
  });
});

describe('a price that is followed at the same moment', () => {
  it('as heartbeats of its sessions come keeps nobody waiting for a session that is locked', async () => {
    await using test = await createTestStore();
    const users = ['f', '8', '0'].map((digit) => ({ userId: `user-${digit}`, recordId: digit.repeat(8) + UUID_REST }));
    for (const user of users) await startSession(test, user);
    await using lock = await holdLock(test.pool, 'SELECT FROM avatar_usage_records WHERE id = $1 FOR UPDATE', [
      users[1]?.recordId,
    ]);
    await expect(enterPrice(test, '1.00')).resolves.toBe(3);
    const swept = dueWork(test).sweep(ALWAYS);
    await waitForBlocked(test.pool);
    const beats = [users[0], users[2]].map((user) =>
      test.store.heartbeat({
        userId: user?.userId ?? '',
        avatarSessionId: `stream-${user?.recordId}`,
        wordsSpoken: null,
        messagesCount: null,
      }),
    );
    expect(await Promise.all(beats)).toMatchObject([{ outcome: 'alive' }, { outcome: 'alive' }]);
    await lock.release();
    await expect(swept).resolves.toBe(3);
  });

  it('as a session is opened by its token locks nobody out', async () => {
    await using test = await createTestStore();
    const token = holdRequest();
    await test.store.hold(token);
    await test.store.attach({ ...token, avatarSessionId: null, tokenHash: new Uint8Array(32) });
    await using lock = await holdLock(test.pool, 'SELECT FROM avatar_usage_records FOR UPDATE');
    await expect(enterPrice(test, '1.00')).resolves.toBe(1);
    const swept = dueWork(test).sweep(ALWAYS);
    await waitForBlocked(test.pool);
    const opening = test.store.open({ ...token, avatarName: null });
    await waitForBlocked(test.pool, 2);
    await lock.release();
    await expect(swept).resolves.toBe(1);
    await expect(opening).resolves.toBe('started');
  });
});
