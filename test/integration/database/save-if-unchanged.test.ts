import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createPool } from '../../../src/database/pool.ts';
import { ServiceUnavailableError } from '../../../src/domain/errors.ts';
import { confirmStops } from '../../support/due-work.ts';
import { dumpDatabase } from '../../support/dump.ts';
import { listen } from '../../support/listen.ts';
import { holdLock, lockUser } from '../../support/lock.ts';
import { failOnce, intercept, pauseAt } from '../../support/pause.ts';
import { createTestStore, holdRequest, startSession, type TestStore } from '../../support/store.ts';
import { waitForBlocked } from '../../support/wait-for.ts';

// A decision is saved only while its user is as the decision found them. Each race pauses a node between load and save.

const PERIOD = '2026-11';

describe('two nodes that decide on the same state', () => {
  it('never admit more than the limit: the slower one decides again', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 40, maxConcurrentSessions: 2 });
    const { slow, reached, release } = pausedNode(test);

    const held = slow.hold(holdRequest());
    await reached;
    await expect(test.store.hold(holdRequest())).resolves.toEqual({ outcome: 'granted', grantSeconds: 1800 });
    release();

    await expect(held).resolves.toEqual({ outcome: 'granted', grantSeconds: 600 });
  });

  it('answer a user who had no row yet as one who had', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 40, maxConcurrentSessions: 2 });
    await test.store.hold(holdRequest({ userId: 'bob', sessionId: 'chat' }));
    test.clock.advance(1);
    const { slow, reached, release } = pausedNode(test);

    const held = ['ann', 'bob'].map((userId) => slow.hold(holdRequest({ userId, sessionId: 'slow' })));
    await reached;
    await test.store.hold(holdRequest({ sessionId: 'fast' }));
    await test.store.hold(holdRequest({ userId: 'bob', sessionId: 'fast' }));
    release();

    await expect(Promise.all(held)).resolves.toEqual([
      { outcome: 'granted', grantSeconds: 600 },
      // the older of two unused tokens has given way
      { outcome: 'granted', grantSeconds: 1800 },
    ]);
  });

  it('settle a session once', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(60);
    const { slow, reached, release } = pausedNode(test);

    const ended = slow.end(call(avatarSessionId));
    await reached;
    await expect(test.store.end(call(avatarSessionId))).resolves.toMatchObject({ outcome: 'ended' });
    release();

    await expect(ended).resolves.toMatchObject({ outcome: 'already_ended' });
    expect(await test.database.query(`SELECT used_seconds FROM quota_ledger WHERE entry = 'settle'`)).toEqual([
      { used_seconds: 60 },
    ]);
  });

  it('save the users of a batch who are unchanged, and decide again about the others alone', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 40, maxConcurrentSessions: 2 });
    const saves: number[] = [];
    const { pool, reached, release } = pauseAt(test.pool);
    const counted = intercept(pool, async (name, run) => {
      const result = await run();
      if (name === 'save') saves.push((result as { rows: unknown[] }).rows.length);
      return result;
    });
    const slow = test.anotherNode(0, counted);

    const held = ['ann', 'bob', 'cid'].map((userId) => slow.hold(holdRequest({ userId })));
    await reached;
    await test.store.hold(holdRequest({ userId: 'bob' }));
    release();

    expect((await Promise.all(held)).map((admission) => 'grantSeconds' in admission && admission.grantSeconds)).toEqual(
      [1800, 600, 1800],
    );
    expect(saves).toEqual([2, 1]);
  });

  it('give a session that two users name at the same moment to one of them', async () => {
    await using test = await createTestStore();
    const tokens = [await unnamedToken(test, 'ann'), await unnamedToken(test, 'bob')] as const;
    const { slow, reached, release } = pausedNode(test);

    const started = slow.start({ ...tokens[0], avatarSessionId: 'stream', avatarName: null });
    await reached;
    const other = await test.store.start({ ...tokens[1], avatarSessionId: 'stream', avatarName: null });
    release();

    expect(other).toMatchObject({ outcome: 'started' });
    await expect(started).resolves.toMatchObject({ outcome: 'not_found' });
  });
});

describe('limits that are changed by hand between load and save', () => {
  it('are those that the token gets', async () => {
    await using test = await createTestStore();
    await test.store.changeLimits({ userId: 'ann', limitMinutes: 60, limitCost: null, isActive: null });
    const { slow, reached, release } = pausedNode(test);

    const held = slow.hold(holdRequest());
    await reached;
    await test.database.query('UPDATE usage_quotas SET monthly_limit_minutes = 10');
    release();

    await expect(held).resolves.toEqual({ outcome: 'granted', grantSeconds: 600 });
  });

  it('are those that the token gets, also of a user who was never seen', async () => {
    await using test = await createTestStore();
    const { slow, reached, release } = pausedNode(test);

    const held = slow.hold(holdRequest());
    await reached;
    await test.database.query(
      `INSERT INTO usage_quotas (user_id, current_month, monthly_limit_minutes) VALUES ('ann', '${PERIOD}', 10)`,
    );
    release();

    await expect(held).resolves.toEqual({ outcome: 'granted', grantSeconds: 600 });
  });
});

describe('a node that is killed', () => {
  it('between load and save has changed nothing', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    const before = await dumpDatabase(test.database);
    await using node = ownPool(test);
    const { pool, reached, release } = pauseAt(node.pool);

    const ended = test.anotherNode(0, pool).end(call(avatarSessionId));
    await reached;
    await node.pool.end();
    release();

    await expect(ended).rejects.toThrow(ServiceUnavailableError);
    expect(await dumpDatabase(test.database)).toEqual(before);
    await expect(test.store.end(call(avatarSessionId))).resolves.toMatchObject({ outcome: 'ended' });
  });

  it('in the middle of its save has changed nothing', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    const before = await dumpDatabase(test.database);
    await using lock = await holdLock(test.pool, 'SELECT FROM avatar_usage_records FOR UPDATE');

    const ended = test.anotherNode().end(call(avatarSessionId));
    const rejected = expect(ended).rejects.toThrow(ServiceUnavailableError);
    await waitForBlocked(test.pool);
    await kill(test, "wait_event_type = 'Lock'");
    await rejected;
    await lock.release();

    expect(await dumpDatabase(test.database)).toEqual(before);
    await expect(test.store.end(call(avatarSessionId))).resolves.toMatchObject({ outcome: 'ended' });
  });

  it('while it decides under a lock leaves the user to others', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    await using lock = await lockUser(test);
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    let isUnderLock = false;
    const pool = intercept(test.pool, async (statement, run) => {
      isUnderLock ||= statement === 'BEGIN';
      if (isUnderLock && statement === 'save') {
        reached.resolve();
        await released.promise;
      }
      return run();
    });

    const ended = test.anotherNode(0, pool).end(call(avatarSessionId));
    await waitForBlocked(test.pool);
    await lock.release();
    await reached.promise;
    await kill(test, "state = 'idle in transaction'");

    await expect(test.store.end(call(avatarSessionId))).resolves.toMatchObject({ outcome: 'ended' });
    released.resolve();
    await expect(ended).rejects.toThrow(ServiceUnavailableError);
  });
});

it('what is decided under a lock is answered only once it is committed', async () => {
  await using test = await createTestStore();
  const avatarSessionId = await startSession(test);
  const before = await dumpDatabase(test.database);
  await using lock = await lockUser(test);
  const broken = failOnce(test.pool, new Error('Connection terminated unexpectedly'), 'before', 'COMMIT');

  const ended = test.anotherNode(0, broken).end(call(avatarSessionId));
  await waitForBlocked(test.pool);
  await lock.release();

  await expect(ended).rejects.toThrow(ServiceUnavailableError);
  expect(await dumpDatabase(test.database)).toEqual(before);
});

describe('an answer to a save that is lost on the way', () => {
  const lost = () => new Error('Connection terminated unexpectedly');

  it('leaves the books balanced, and the end can be sent again', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(60);
    const node = test.anotherNode(0, failOnce(test.pool, lost(), 'after'));

    await expect(node.end(call(avatarSessionId))).rejects.toThrow(ServiceUnavailableError);

    test.clock.advance(10);
    await expect(node.end(call(avatarSessionId))).resolves.toMatchObject({ outcome: 'already_ended' });
    await confirmStops(test);
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ settledSeconds: 60, reservedSeconds: 0 });
  });

  it('leaves the session alive that the heartbeat was for', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(60);
    const node = test.anotherNode(0, failOnce(test.pool, lost(), 'after'));

    await expect(node.heartbeat({ ...call(avatarSessionId), wordsSpoken: 7 })).rejects.toThrow(ServiceUnavailableError);

    await expect(node.heartbeat({ ...call(avatarSessionId), wordsSpoken: 7 })).resolves.toMatchObject({
      outcome: 'alive',
    });
    expect(await test.database.query('SELECT words_spoken FROM avatar_usage_records')).toEqual([{ words_spoken: 7 }]);
  });

  it('leaves a token that the next one supersedes', async () => {
    await using test = await createTestStore();
    const node = test.anotherNode(0, failOnce(test.pool, lost(), 'after'));

    await expect(node.hold(holdRequest({ sessionId: 'chat' }))).rejects.toThrow(ServiceUnavailableError);

    // a call that died may still be at its mint
    await expect(node.hold(holdRequest({ sessionId: 'chat' }))).resolves.toMatchObject({ outcome: 'minting' });
    test.clock.advance(15);
    await expect(node.hold(holdRequest({ sessionId: 'chat' }))).resolves.toEqual({
      outcome: 'granted',
      grantSeconds: 1800,
    });
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ reservedSeconds: 1800 });
  });
});

it.each([
  ['a deadlock', '40P01'],
  ['a serialization failure', '40001'],
])('%s has saved nothing, and its batch is tried again', async (_, code) => {
  await using test = await createTestStore();
  const conflict = Object.assign(new Error('try again'), { code });
  const node = test.anotherNode(0, failOnce(test.pool, conflict, 'before'));
  expect(await holdsOfMany(node)).toEqual(MANY_GRANTED);
});

it('a connection that is cut while a batch is loaded rejects no call', async () => {
  await using test = await createTestStore();
  await using lock = await holdLock(test.pool, 'LOCK TABLE quota_users IN ACCESS EXCLUSIVE MODE');
  const held = holdsOfMany(test.anotherNode());
  await waitForBlocked(test.pool);
  await kill(test, "wait_event_type = 'Lock'");
  await waitForBlocked(test.pool);
  await lock.release();
  expect(await held).toEqual(MANY_GRANTED);
});

describe('a user whose row is locked', () => {
  it.each([
    ['without a ceiling', {}],
    ['under a ceiling', { accountLimitCost: 10_000_000_000n }],
  ])('holds up no other, %s', async (_, settings) => {
    await using test = await createTestStore(settings);
    await test.store.hold(holdRequest());
    await using lock = await lockUser(test);
    const stuck = Promise.allSettled(
      Array.from({ length: 5 }, () => test.store.hold(holdRequest({ sessionId: randomUUID() }))),
    );
    await waitForBlocked(test.pool);

    const others = Promise.all(
      Array.from({ length: 100 }, (_, user) => test.store.hold(holdRequest({ userId: `user-${user}` }))),
    );
    const first = await Promise.race([others, stuck]);

    expect(first).toEqual(Array.from({ length: 100 }, () => ({ outcome: 'granted', grantSeconds: 1800 })));
    for (const { status, ...result } of await stuck) {
      expect(status).toBe('rejected');
      expect('reason' in result && result.reason).toBeInstanceOf(ServiceUnavailableError);
    }
    await lock.release();
    await expect(test.store.hold(holdRequest())).resolves.toMatchObject({ outcome: 'granted' });
  });

  it('is decided about once the lock is gone', async () => {
    await using test = await createTestStore();
    await test.store.hold(holdRequest());
    await using lock = await lockUser(test);
    const held = test.store.hold(holdRequest());
    await waitForBlocked(test.pool);
    await lock.release();
    await expect(held).resolves.toMatchObject({ outcome: 'granted' });
  });
});

describe('many acts of one user at once', () => {
  it('on two nodes all get through', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    const nodes = [test.store, test.anotherNode()];
    const beats = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const node = nodes[index % 2] ?? test.store;
        // in turns of the event loop of their own
        for (let turn = 0; turn < index % 7; turn++) await new Promise(setImmediate);
        return node.heartbeat({ ...call(avatarSessionId), wordsSpoken: index });
      }),
    );
    expect(beats.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 50 }, () => 'alive'));
    expect(await test.database.query('SELECT words_spoken FROM avatar_usage_records')).toEqual([{ words_spoken: 49 }]);
  });

  it('that share a batch are all published', async () => {
    const userId = 'u'.repeat(255);
    await using test = await createTestStore({ maxTokensPerMinute: 1000 });
    const heard = await listen(test);
    const held = await Promise.all(
      Array.from({ length: 50 }, (_, call) =>
        test.store.hold(holdRequest({ userId, sessionId: 'chat', avatarName: `avatar-${call}` })),
      ),
    );
    expect(held.every(({ outcome }) => outcome === 'granted')).toBe(true);
    const versions = (await heard('quota_events')).map(({ version }) => version);
    // 50 tokens, 49 of which gave way
    expect(versions).toHaveLength(99);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  });
});

const MANY_GRANTED = Array.from({ length: 20 }, () => ({ outcome: 'granted', grantSeconds: 1800 }));

function holdsOfMany(node: TestStore['store']) {
  return Promise.all(MANY_GRANTED.map((_, user) => node.hold(holdRequest({ userId: `user-${user}` }))));
}

function pausedNode(test: TestStore) {
  const { pool, ...pause } = pauseAt(test.pool);
  return { ...pause, slow: test.anotherNode(0, pool) };
}

function ownPool({ database }: TestStore) {
  const pool = createPool({ url: database.url, onError: () => {} });
  return {
    pool,
    async [Symbol.asyncDispose]() {
      if (!pool.ended) await pool.end();
    },
  };
}

/** Cuts the connections that are in such a state. */
function kill({ database }: TestStore, state: string) {
  return database.query(
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND ${state}`,
  );
}

async function unnamedToken({ store }: TestStore, userId: string) {
  const token = holdRequest({ userId });
  await store.hold(token);
  await store.attach({ ...token, avatarSessionId: null, tokenHash: new Uint8Array(32) });
  return token;
}

function call(avatarSessionId: string) {
  return { userId: 'ann', avatarSessionId, wordsSpoken: null, messagesCount: null, errorMessage: null };
}
