import { describe, expect, it } from 'vitest';
import { createPool } from '../../../src/database/pool.ts';
import { ALWAYS, dueWork, sweepAll } from '../../support/due-work.ts';
import { pauseAt } from '../../support/pause.ts';
import { createTestStore, holdRequest, startSession, type TestStore } from '../../support/store.ts';

// 1800 seconds at 0.50 are 15.00, which is the whole ceiling: whatever the order of two nodes at midnight, one of them gets it.

const CEILING = 15_000_000n;
const BEFORE = '2026-11-30T23:59:59.900Z';
const AFTER = '2026-12-01T00:00:00.100Z';
const GRANTED = { outcome: 'granted', grantSeconds: 1800 };
const REFUSED = { outcome: 'account_exceeded' };

/** What is used and held of each month, once everything has moved that can. */
async function spent(test: TestStore) {
  await sweepAll(test);
  const { rows } = await test.pool.query(
    'SELECT period, (used_cost + held_cost)::text AS cost FROM account_budgets WHERE used_cost + held_cost > 0 ORDER BY 1',
  );
  return rows;
}

describe('a token that is asked for before midnight and granted after it', () => {
  it.each([
    ['before it loads', 'load'],
    ['before it saves', 'save'],
  ])('shares the ceiling with the new month where the node pauses %s', async (_, statement) => {
    await using test = await createTestStore({ accountLimitCost: CEILING });
    test.clock.set(BEFORE);
    const { pool, reached, release } = pauseAt(test.pool, statement);
    const slow = test.anotherNode(0, pool);

    const late = slow.hold(holdRequest({ userId: 'ann' }));
    await reached;
    test.clock.set(AFTER);
    await expect(test.store.hold(holdRequest({ userId: 'bob' }))).resolves.toEqual(GRANTED);
    release();

    await expect(late).resolves.toEqual(REFUSED);
    expect(await spent(test)).toEqual([{ period: '2026-12', cost: '15.000000' }]);
  });

  it('takes it from the new month where it is saved first', async () => {
    await using test = await createTestStore({ accountLimitCost: CEILING });
    test.clock.set(BEFORE);
    await expect(test.store.hold(holdRequest({ userId: 'ann' }))).resolves.toEqual(GRANTED);
    test.clock.set(AFTER);
    await expect(test.store.hold(holdRequest({ userId: 'bob' }))).resolves.toEqual(REFUSED);
    expect(await spent(test)).toEqual([{ period: '2026-12', cost: '15.000000' }]);
  });
});

describe('a node whose clock is two seconds behind', () => {
  it('grants nothing of the old month that the new month has no room for', async () => {
    await using test = await createTestStore({ accountLimitCost: CEILING });
    test.clock.set(AFTER);
    const behind = test.anotherNode(2);
    await expect(test.store.hold(holdRequest({ userId: 'bob' }))).resolves.toEqual(GRANTED);
    await expect(behind.hold(holdRequest({ userId: 'ann' }))).resolves.toEqual(REFUSED);
    expect(await spent(test)).toEqual([{ period: '2026-12', cost: '15.000000' }]);
  });

  it('gives a raised limit no room that the new month has not', async () => {
    await using test = await createTestStore({ accountLimitCost: CEILING, defaultLimitMinutes: 10 });
    test.clock.set('2026-11-30T23:59:58Z');
    await startSession(test, { userId: 'ann', vendorCaps: false });
    test.clock.set(AFTER);
    const bob = { userId: 'bob', limitMinutes: 60, limitCost: null, isActive: null };
    await test.store.changeLimits(bob);
    // ann's 5.00 are about to move
    await expect(test.store.hold(holdRequest({ userId: 'bob' }))).resolves.toEqual({ ...GRANTED, grantSeconds: 1200 });
    await test.anotherNode(2).changeLimits({ ...bob, userId: 'ann' });
    expect(await spent(test)).toEqual([
      { period: '2026-11', cost: '0.016667' },
      { period: '2026-12', cost: '14.983333' },
    ]);
  });
});

it('150 users who call three nodes around midnight all get their answers, under a ceiling', async () => {
  await using test = await createTestStore({ accountLimitCost: 10_000_000_000n });
  test.clock.set('2026-11-30T23:59:50Z');
  await using pools = new AsyncDisposableStack();
  const nodes = Array.from({ length: 3 }, () => {
    const pool = createPool({ url: test.database.url, onError: () => {} });
    pools.defer(() => pool.end());
    return { ...test, pool, store: test.anotherNode(0, pool) };
  });
  const users = Array.from({ length: 150 }, (_, user) => ({ userId: `user-${user}`, node: nodes[user % 3] ?? test }));
  const sessions = await Promise.all(
    users.map(async ({ userId, node }) => ({ userId, node, avatarSessionId: await startSession(node, { userId }) })),
  );

  const errors: unknown[] = [];
  const note = (error: unknown) => errors.push(error);
  let calling = true;
  const sweeping = nodes.map(async (node) => {
    const work = dueWork(node);
    while (calling) await work.sweep(ALWAYS).catch(note);
  });
  await Promise.all(
    sessions.map(async ({ userId, avatarSessionId }, user) => {
      const counts = { wordsSpoken: null, messagesCount: null, errorMessage: null };
      const node = (call: number) => (nodes[(user + call) % 3] ?? test).store;
      for (let call = 0; call < 10; call++) {
        test.clock.advance(0.02);
        await node(call)
          .heartbeat({ userId, avatarSessionId, ...counts })
          .catch(note);
      }
      await node(user)
        .end({ userId, avatarSessionId, ...counts })
        .catch(note);
      const { database } = test;
      const [ended] = await database.query<{ id: string }>(
        'SELECT id FROM avatar_usage_records WHERE avatar_session_id = $1',
        [avatarSessionId],
      );
      await node(user)
        .confirmStop({ recordId: ended?.id ?? '', userId, word: 'stopped', expectsFigures: false })
        .catch(note);
      await startSession({ ...test, store: node(user + 1) }, { userId }).catch(note);
    }),
  );
  calling = false;
  await Promise.all(sweeping);

  expect(errors).toEqual([]);
  expect(test.clock.now().toISOString()).toMatch(/^2026-12-01/);
});
