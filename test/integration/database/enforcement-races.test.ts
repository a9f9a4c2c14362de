import { describe, expect, it } from 'vitest';
import { ALWAYS, confirmStops, dueWork, sweepAll } from '../../support/due-work.ts';
import { holdLock } from '../../support/lock.ts';
import { createTestStore, holdRequest, startSession, type TestStore } from '../../support/store.ts';
import { waitForBlocked } from '../../support/wait-for.ts';

// What happens by itself, at a month's end or after a change of limits, against what clients do at that moment. Each race
// is held at a lock until both sides are under way, once in either order. The second waits for the first, or if it is a sweep,
// leaves the user to the next one.

const NOVEMBER = '2026-11';
const DECEMBER = '2026-12';

describe('the end of a session and the end of its month', () => {
  it('settle once a month when the end comes first', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await sessionInDecember(test);
    await using lock = await lockRecord(test, avatarSessionId);

    const ended = test.store.end(call(avatarSessionId));
    await waitForBlocked(test.pool);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    await lock.release();

    await expect(ended).resolves.toMatchObject({ outcome: 'ended' });
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    expect(await settlements(test)).toEqual([
      { period: NOVEMBER, used_seconds: 600, reason: 'period_ended' },
      { period: DECEMBER, used_seconds: 10, reason: 'user_ended' },
    ]);
  });

  it('settle once a month when the move comes first', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await sessionOverMidnight(test);
    await using lock = await lockRecord(test, avatarSessionId);

    const swept = dueWork(test).sweep(ALWAYS);
    await waitForBlocked(test.pool);
    const ended = test.store.end(call(avatarSessionId));
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await expect(swept).resolves.toBe(1);
    await expect(ended).resolves.toMatchObject({ outcome: 'ended' });
    expect(await settlements(test)).toEqual([
      { period: NOVEMBER, used_seconds: 600, reason: 'period_ended' },
      { period: DECEMBER, used_seconds: 10, reason: 'user_ended' },
    ]);
  });

  it('settle once a month when the quota of the new month is just being made', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await sessionOverMidnight(test);
    await using lock = await holdLock(
      test.pool,
      `INSERT INTO usage_quotas (user_id, current_month, monthly_limit_minutes) VALUES ('ann', '2026-12', 5)`,
    );

    const ended = test.store.end(call(avatarSessionId));
    await waitForBlocked(test.pool);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    await lock.release();

    await expect(ended).resolves.toMatchObject({ outcome: 'ended' });
    await sweepAll(test);
    expect(await settlements(test)).toEqual([
      { period: NOVEMBER, used_seconds: 600, reason: 'period_ended' },
      { period: DECEMBER, used_seconds: 10, reason: 'user_ended' },
    ]);
  });
});

describe('two nodes at the end of a month', () => {
  it('move a session once', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await sessionInDecember(test);
    await using lock = await lockRecord(test, avatarSessionId);

    const swept = dueWork(test).sweep(ALWAYS);
    await waitForBlocked(test.pool);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    await lock.release();

    await expect(swept).resolves.toBe(1);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    expect(await settlements(test)).toEqual([{ period: NOVEMBER, used_seconds: 600, reason: 'period_ended' }]);
  });

  it('move 100 sessions of 50 users once each, while half of them end', async () => {
    await using test = await createTestStore({ maxConcurrentSessions: 2 });
    test.clock.set('2026-11-30T23:50:00Z');
    const users = Array.from({ length: 50 }, (_, user) => `user-${user}`);
    const ending = await Promise.all(users.map((userId) => startSession(test, { userId })));
    await Promise.all(users.map((userId) => startSession(test, { userId })));
    test.clock.set('2026-12-01T00:00:10Z');
    const other = test.anotherNode();

    await Promise.all([
      sweepAll(test),
      sweepAll(test),
      ...ending.map((avatarSessionId, user) => other.end({ ...call(avatarSessionId), userId: `user-${user}` })),
    ]);
    await sweepAll(test);
    await confirmStops(test);

    expect(
      await test.database.query(
        `SELECT period, used_seconds, count(*)::integer FROM quota_ledger WHERE entry = 'settle' GROUP BY 1, 2 ORDER BY 1`,
      ),
    ).toEqual([
      { period: NOVEMBER, used_seconds: 600, count: 100 },
      { period: DECEMBER, used_seconds: 10, count: 50 },
    ]);
    expect(
      await test.database.query(
        'SELECT current_month, sum(held_seconds)::integer AS held FROM usage_quotas GROUP BY 1 ORDER BY 1',
      ),
    ).toEqual([
      { current_month: NOVEMBER, held: 0 },
      { current_month: DECEMBER, held: 50 * 1200 },
    ]);
  });
});

describe('a heartbeat and the end of the month', () => {
  it('are both heard when the heartbeat comes first', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await sessionOverMidnight(test);
    await using lock = await lockRecord(test, avatarSessionId);

    const beat = test.store.heartbeat({ ...call(avatarSessionId), wordsSpoken: 7 });
    await waitForBlocked(test.pool);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    await lock.release();

    await expect(beat).resolves.toMatchObject({ outcome: 'alive' });
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(1);
    await expectHeardInDecember(test, avatarSessionId);
  });

  it('are both heard when the move comes first', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await sessionOverMidnight(test);
    await using lock = await lockRecord(test, avatarSessionId);

    const swept = dueWork(test).sweep(ALWAYS);
    await waitForBlocked(test.pool);
    const beat = test.store.heartbeat({ ...call(avatarSessionId), wordsSpoken: 7 });
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await expect(swept).resolves.toBe(1);
    await expect(beat).resolves.toMatchObject({ outcome: 'alive' });
    await expectHeardInDecember(test, avatarSessionId);
  });

  async function expectHeardInDecember(test: TestStore, avatarSessionId: string): Promise<void> {
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      quota_period: DECEMBER,
      words_spoken: 7,
      last_heartbeat_at: new Date('2026-12-01T00:00:10Z'),
      due_at: new Date('2026-12-01T00:01:40Z'),
    });
  }
});

describe('the vendor’s token and the end of the month', () => {
  it('keep the token when it comes while its record is moved', async () => {
    await using test = await createTestStore();
    test.clock.set('2026-11-30T23:59:00Z');
    const hold = holdRequest();
    await test.store.hold(hold);
    test.clock.set('2026-12-01T00:00:00Z');
    await using lock = await holdLock(test.pool, 'SELECT FROM avatar_usage_records WHERE id = $1 FOR UPDATE', [
      hold.recordId,
    ]);

    const swept = dueWork(test).sweep(ALWAYS);
    await waitForBlocked(test.pool);
    const attached = test.store.attach({ ...hold, avatarSessionId: 'stream', tokenHash: new Uint8Array(32) });
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await expect(swept).resolves.toBe(1);
    await expect(attached).resolves.not.toBeNull();
    const expiry = new Date('2026-12-01T00:05:00Z');
    expect(await sessionRow(test, 'stream')).toMatchObject({
      quota_period: DECEMBER,
      held_seconds: 1800,
      expires_at: expiry,
      due_at: expiry,
    });
  });

  it('start the token once, in the new month', async () => {
    await using test = await createTestStore();
    test.clock.set('2026-11-30T23:59:00Z');
    const hold = holdRequest();
    const token = { ...hold, avatarSessionId: 'stream', avatarName: null };
    await test.store.hold(hold);
    await test.store.attach({ ...token, tokenHash: new Uint8Array(32) });
    test.clock.set('2026-12-01T00:00:10Z');
    await using lock = await lockRecord(test, 'stream');

    const swept = dueWork(test).sweep(ALWAYS);
    await waitForBlocked(test.pool);
    const started = [test.store, test.anotherNode()].map((node) => node.start(token));
    await waitForBlocked(test.pool, 3);
    await lock.release();

    await swept;
    expect((await Promise.all(started)).map(({ outcome }) => outcome).sort()).toEqual(['already_started', 'started']);
    expect(await test.store.read('ann', DECEMBER)).toMatchObject({ sessionCount: 1, reservedSeconds: 1800 });
  });
});

describe('a new token and a change of limits', () => {
  it('give the token what the new limit leaves when the change comes first', async () => {
    await using test = await createTestStore();
    await test.store.changeLimits({ ...LIMITS, limitMinutes: 60 });
    await using lock = await lockQuota(test);

    const changed = test.store.changeLimits({ ...LIMITS, limitMinutes: 10 });
    await waitForBlocked(test.pool);
    const held = test.anotherNode().hold(holdRequest());
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await changed;
    await expect(held).resolves.toEqual({ outcome: 'granted', grantSeconds: 600 });
  });

  it('shrink the token when it comes first', async () => {
    await using test = await createTestStore();
    await test.store.changeLimits({ ...LIMITS, limitMinutes: 60 });
    await using lock = await lockQuota(test);

    const held = test.store.hold(holdRequest());
    await waitForBlocked(test.pool);
    const changed = test.anotherNode().changeLimits({ ...LIMITS, limitMinutes: 10 });
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await expect(held).resolves.toEqual({ outcome: 'granted', grantSeconds: 1800 });
    await changed;
    expect(await test.store.read('ann', NOVEMBER)).toMatchObject({ limitMinutes: 10, reservedSeconds: 600 });
  });

  it('never admit more than the limit by plain SQL, swept or not', async () => {
    await using test = await createTestStore();
    await test.store.changeLimits({ ...LIMITS, limitMinutes: 60 });
    await using lock = await holdLock(test.pool, 'UPDATE usage_quotas SET monthly_limit_minutes = 10');

    const held = test.store.hold(holdRequest());
    await waitForBlocked(test.pool);
    await lock.release();

    await expect(held).resolves.toEqual({ outcome: 'granted', grantSeconds: 600 });
    await sweepAll(test);
    expect(await test.store.read('ann', NOVEMBER)).toMatchObject({ reservedSeconds: 600 });
  });
});

describe('a heartbeat and a change of limits', () => {
  it('leave both in force when the heartbeat comes first', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(30);
    await using lock = await lockRecord(test, avatarSessionId);

    const beat = test.store.heartbeat(call(avatarSessionId));
    await waitForBlocked(test.pool);
    const changed = test.anotherNode().changeLimits({ ...LIMITS, limitMinutes: 10 });
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await Promise.all([beat, changed]);
    await expectBoth(test, avatarSessionId);
  });

  it('leave both in force when the change comes first', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(30);
    await using lock = await lockRecord(test, avatarSessionId);

    const changed = test.store.changeLimits({ ...LIMITS, limitMinutes: 10 });
    await waitForBlocked(test.pool);
    const beat = test.anotherNode().heartbeat(call(avatarSessionId));
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await Promise.all([beat, changed]);
    await expectBoth(test, avatarSessionId);
  });

  async function expectBoth(test: TestStore, avatarSessionId: string): Promise<void> {
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      held_seconds: 600,
      expires_at: new Date('2026-11-10T12:10:00Z'),
      last_heartbeat_at: new Date('2026-11-10T12:00:30Z'),
      due_at: new Date('2026-11-10T12:02:00Z'),
    });
  }
});

describe('the vendor’s token and a change of limits', () => {
  it('count the time to live from the mint, and hold what the limit leaves', async () => {
    await using test = await createTestStore();
    const hold = holdRequest();
    await test.store.hold(hold);
    test.clock.advance(20);
    await using lock = await holdLock(test.pool, 'SELECT FROM avatar_usage_records WHERE id = $1 FOR UPDATE', [
      hold.recordId,
    ]);

    const attached = test.store.attach({ ...hold, avatarSessionId: 'stream', tokenHash: new Uint8Array(32) });
    await waitForBlocked(test.pool);
    const changed = test.anotherNode().changeLimits({ ...LIMITS, limitMinutes: 10 });
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await expect(attached).resolves.not.toBeNull();
    await changed;
    expect(await sessionRow(test, 'stream')).toMatchObject({
      held_seconds: 600,
      expires_at: new Date('2026-11-10T12:05:20Z'),
    });
  });
});

it('a change of limits and the end of the month leave the new limit in the new month', async () => {
  await using test = await createTestStore();
  const avatarSessionId = await sessionOverMidnight(test);
  await using lock = await lockRecord(test, avatarSessionId);

  const swept = dueWork(test).sweep(ALWAYS);
  await waitForBlocked(test.pool);
  const changed = test.store.changeLimits({ ...LIMITS, limitMinutes: 5 });
  await waitForBlocked(test.pool, 2);
  await lock.release();

  await Promise.all([swept, changed]);
  expect(await sessionRow(test, avatarSessionId)).toMatchObject({
    quota_period: DECEMBER,
    held_seconds: 300,
    expires_at: new Date('2026-12-01T00:05:00Z'),
  });
  expect(await test.store.read('ann', NOVEMBER)).toMatchObject({ limitMinutes: 60, settledSeconds: 600 });
});

it('everything at once, over a month’s end and changing limits, leaves balanced books', async () => {
  await using test = await createTestStore({ maxConcurrentSessions: 3, maxTokensPerMinute: 1000 });
  test.clock.set('2026-11-30T23:55:00Z');
  const nodes = [test.store, test.anotherNode(), test.anotherNode(30)] as const;
  const users = ['ann', 'bob', 'cid'];
  await Promise.all(
    Array.from({ length: 30 }, async (_, round) => {
      const userId = users[round % users.length] ?? '';
      const [node, other, behind] = nodes;
      const token = { ...holdRequest({ userId, sessionId: `chat-${round % 4}`, vendorCaps: round % 2 === 0 }) };
      const session = { ...token, avatarSessionId: `stream-${round}`, avatarName: null };
      await node.hold(token);
      await other.attach({ ...session, tokenHash: new Uint8Array(32) });
      await behind.start(session);
      test.clock.advance(17.3);
      await Promise.all([
        other.heartbeat({ ...call(session.avatarSessionId), userId }),
        other.changeLimits({ userId, limitMinutes: (round * 7) % 60, limitCost: null, isActive: null }),
        sweepAll(test),
        behind.end({ ...call(session.avatarSessionId), userId }),
        dueWork(test, { secondsBehind: 30 }).sweep(ALWAYS),
        node.hold(holdRequest({ userId, sessionId: `chat-${round % 4}` })),
      ]);
    }),
  );
  test.clock.advance(7200);
  await sweepAll(test);
  await confirmStops(test);
  for (const userId of users) {
    for (const period of [NOVEMBER, DECEMBER]) {
      expect(await test.store.read(userId, period)).toMatchObject({ openRecords: [], reservedSeconds: 0 });
    }
  }
});

const LIMITS = { userId: 'ann', limitMinutes: null, limitCost: null, isActive: null };

/** A session of 30 minutes that began 10 minutes before the month's end, and ten seconds after that. */
async function sessionOverMidnight(test: TestStore): Promise<string> {
  test.clock.set('2026-11-30T23:50:00Z');
  const avatarSessionId = await startSession(test);
  test.clock.set('2026-12-01T00:00:10Z');
  return avatarSessionId;
}

/** The same, and the new month's quota is there already. */
async function sessionInDecember(test: TestStore): Promise<string> {
  const avatarSessionId = await sessionOverMidnight(test);
  await test.store.changeLimits(LIMITS);
  return avatarSessionId;
}

function call(avatarSessionId: string) {
  return { userId: 'ann', avatarSessionId, wordsSpoken: null, messagesCount: null, errorMessage: null };
}

function lockRecord({ pool }: TestStore, avatarSessionId: string) {
  return holdLock(pool, 'SELECT FROM avatar_usage_records WHERE avatar_session_id = $1 FOR UPDATE', [avatarSessionId]);
}

function lockQuota({ pool }: TestStore) {
  return holdLock(pool, `SELECT FROM usage_quotas WHERE user_id = 'ann' FOR UPDATE`);
}

async function sessionRow({ database }: TestStore, avatarSessionId: string) {
  return (
    await database.query('SELECT * FROM avatar_usage_records WHERE avatar_session_id = $1', [avatarSessionId])
  )[0];
}

function settlements({ database }: TestStore) {
  return database.query(`SELECT period, used_seconds, reason FROM quota_ledger WHERE entry = 'settle' ORDER BY id`);
}
