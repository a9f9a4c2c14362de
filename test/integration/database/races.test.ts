import { describe, expect, it } from 'vitest';
import { ALWAYS, confirmStops, dueWork } from '../../support/due-work.ts';
import { holdLock } from '../../support/lock.ts';
import { createTestStore, holdRequest, startSession, type TestStore } from '../../support/store.ts';
import { waitForBlocked } from '../../support/wait-for.ts';

// Each race is held at the lock of a record, for which the first side waits in the middle of its save: until both sides are
// under way, once in either order. The second waits for the first, or if it is a sweep, leaves the user to the next one.

describe('the end of a session and its deadline', () => {
  it('settle once when the end comes first', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(1800);
    await using lock = await lockRecord(test, avatarSessionId);

    const ended = test.store.end(end(avatarSessionId));
    await waitForBlocked(test.pool);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    await lock.release();

    await expect(ended).resolves.toMatchObject({ outcome: 'ended' });
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    expect(await settlements(test)).toEqual([{ used_seconds: 1800, reason: 'user_ended' }]);
  });

  it('settle once when the sweep comes first', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(1800);
    await using lock = await lockRecord(test, avatarSessionId);

    const swept = dueWork(test).sweep(ALWAYS);
    await waitForBlocked(test.pool);
    const ended = test.store.end(end(avatarSessionId));
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await expect(swept).resolves.toBe(1);
    await expect(ended).resolves.toMatchObject({ outcome: 'already_ended' });
    expect(await settlements(test)).toEqual([{ used_seconds: 1800, reason: 'deadline_reached' }]);
  });
});

describe('the end of a session and a new token for its conversation', () => {
  it('settle once when the end comes first', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test, { sessionId: 'chat' });
    test.clock.advance(90);
    await using lock = await lockRecord(test, avatarSessionId);

    const ended = test.store.end(end(avatarSessionId));
    await waitForBlocked(test.pool);
    const held = test.anotherNode().hold(holdRequest({ sessionId: 'chat' }));
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await expect(ended).resolves.toMatchObject({ outcome: 'ended' });
    await expect(held).resolves.toMatchObject({ outcome: 'concurrency', prospect: { isStopping: true } });
    expect(await settlements(test)).toEqual([{ used_seconds: 90, reason: 'user_ended' }]);
  });

  it('settle once when the token comes first', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test, { sessionId: 'chat' });
    test.clock.advance(90);
    await using lock = await lockRecord(test, avatarSessionId);

    const held = test.store.hold(holdRequest({ sessionId: 'chat' }));
    await waitForBlocked(test.pool);
    const ended = test.anotherNode().end(end(avatarSessionId));
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await expect(held).resolves.toMatchObject({ outcome: 'concurrency', prospect: { isStopping: true } });
    await expect(ended).resolves.toMatchObject({ outcome: 'already_ended' });
    expect(await settlements(test)).toEqual([{ used_seconds: 90, reason: 'superseded' }]);
  });

  it('give the token what the confirmed stop has just returned', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 31, maxConcurrentSessions: 2 });
    const avatarSessionId = await startSession(test);
    test.clock.advance(90);
    await test.store.end(end(avatarSessionId));
    await using lock = await lockRecord(test, avatarSessionId);

    const ended = confirmStops(test);
    await waitForBlocked(test.pool);
    const held = test.anotherNode().hold(holdRequest());
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await ended;
    await expect(held).resolves.toEqual({ outcome: 'granted', grantSeconds: 1770 });
  });
});

describe('a heartbeat and the lapse of heartbeats', () => {
  it('keep the session alive when the heartbeat comes first', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await lapsedSession(test);
    await using lock = await lockRecord(test, avatarSessionId);

    const alive = test.store.heartbeat(end(avatarSessionId));
    await waitForBlocked(test.pool);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    await lock.release();

    await expect(alive).resolves.toMatchObject({ outcome: 'alive' });
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    expect(await settlements(test)).toEqual([]);
  });

  it('end the session when the sweep comes first, and the client learns it', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await lapsedSession(test);
    await using lock = await lockRecord(test, avatarSessionId);

    const swept = dueWork(test).sweep(ALWAYS);
    await waitForBlocked(test.pool);
    const late = test.store.heartbeat(end(avatarSessionId));
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await expect(swept).resolves.toBe(1);
    await expect(late).resolves.toMatchObject({ outcome: 'ended' });
    expect(await settlements(test)).toEqual([{ used_seconds: 10, reason: 'heartbeat_lost' }]);
  });

  async function lapsedSession(test: TestStore): Promise<string> {
    const avatarSessionId = await startSession(test);
    test.clock.advance(10);
    await test.store.heartbeat(end(avatarSessionId));
    test.clock.advance(90);
    return avatarSessionId;
  }
});

describe('the vendor’s token and the end of its time to live', () => {
  it('void the token also when it comes first', async () => {
    await using test = await createTestStore();
    const { lock, attach } = await overdueToken(test);

    const attached = attach();
    await waitForBlocked(test.pool);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    await lock.release();

    await expect(attached).resolves.toBeNull();
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(1);
    expect(await test.database.query('SELECT avatar_session_id, reason FROM vendor_stops')).toEqual([
      { avatar_session_id: 'stream', reason: 'token_expired' },
    ]);
  });

  it('void the token when the sweep comes first, and have the vendor stop it', async () => {
    await using test = await createTestStore();
    const { lock, attach } = await overdueToken(test);

    const swept = dueWork(test).sweep(ALWAYS);
    await waitForBlocked(test.pool);
    const attached = attach();
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await expect(swept).resolves.toBe(1);
    await expect(attached).resolves.toBeNull();
    expect(await test.database.query('SELECT avatar_session_id, reason FROM vendor_stops')).toEqual([
      { avatar_session_id: 'stream', reason: 'token_expired' },
    ]);
  });

  async function overdueToken(test: TestStore) {
    const { recordId, ...hold } = holdRequest();
    await test.store.hold({ recordId, ...hold });
    test.clock.advance(300);
    const lock = await holdLock(test.pool, 'SELECT FROM avatar_usage_records WHERE id = $1 FOR UPDATE', [recordId]);
    const attach = () =>
      test.store.attach({ userId: 'ann', recordId, avatarSessionId: 'stream', tokenHash: new Uint8Array(32) });
    return { lock, attach };
  }
});

it.each([
  ['ann', 'bob'],
  ['bob', 'ann'],
])('ends and heartbeats of %s and %s do not lock each other out', async (...users) => {
  await using test = await createTestStore();
  // stored in the order opposite to that of their ids
  const annRecord = 'ffffffff-ffff-4fff-bfff-ffffffffffff';
  const bobRecord = '00000000-0000-4000-8000-000000000000';
  await startSession(test, { userId: 'ann', recordId: annRecord });
  await startSession(test, { userId: 'bob', recordId: bobRecord });
  const calls = users.map((userId) => ({
    ...end(`stream-${userId === 'ann' ? annRecord : bobRecord}`),
    userId,
    wordsSpoken: 7,
  }));
  await using lock = await lockRecord(test, `stream-${bobRecord}`);

  const beats = calls.map((call) => test.store.heartbeat(call));
  await waitForBlocked(test.pool);
  const node = test.anotherNode();
  const ends = calls.map((call) => node.end(call));
  await waitForBlocked(test.pool, 2);
  await lock.release();

  expect((await Promise.all(beats)).map(({ outcome }) => outcome)).toEqual(['alive', 'alive']);
  expect((await Promise.all(ends)).map(({ outcome }) => outcome)).toEqual(['ended', 'ended']);
});

it('acts of one user on several nodes at once leave balanced books and nothing open', async () => {
  await using test = await createTestStore({
    maxConcurrentSessions: 3,
    maxTokensPerMinute: 1000,
    defaultLimitMinutes: 600,
  });
  const nodes = [test.store, test.anotherNode()];
  const tokens = Array.from({ length: 12 }, (_, token) => ({
    ...holdRequest({ sessionId: `chat-${token % 5}` }),
    avatarSessionId: `stream-${token}`,
  }));
  await Promise.all(
    tokens.map(async (token, index) => {
      const node = nodes[index % 2] ?? test.store;
      const other = nodes[(index + 1) % 2] ?? test.store;
      await node.hold(token);
      await node.attach({ ...token, tokenHash: new Uint8Array(32) });
      test.clock.advance(7.3);
      await node.start({ ...token, avatarName: null });
      test.clock.advance(61.7);
      await Promise.all([
        node.heartbeat(end(token.avatarSessionId)),
        dueWork(test).sweep(ALWAYS),
        node.end(end(token.avatarSessionId)),
        other.end(end(token.avatarSessionId)),
        dueWork(test).sweep(ALWAYS),
      ]);
    }),
  );
  await confirmStops(test);
  expect(await test.store.read('ann', '2026-11')).toMatchObject({
    openRecords: [],
    reservedSeconds: 0,
    reservedCost: 0n,
  });
});

function end(avatarSessionId: string) {
  return { userId: 'ann', avatarSessionId, wordsSpoken: null, messagesCount: null, errorMessage: null };
}

function lockRecord({ pool }: TestStore, avatarSessionId: string) {
  return holdLock(pool, 'SELECT FROM avatar_usage_records WHERE avatar_session_id = $1 FOR UPDATE', [avatarSessionId]);
}

function settlements({ database }: TestStore) {
  return database.query(`SELECT used_seconds, reason FROM quota_ledger WHERE entry = 'settle'`);
}
