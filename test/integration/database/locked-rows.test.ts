import { describe, expect, it } from 'vitest';
import { type HeldLock, holdLock } from '../../support/lock.ts';
import { intercept } from '../../support/pause.ts';
import { createTestStore, holdRequest, startSession, type TestStore } from '../../support/store.ts';

// A lock that an operator holds by hand. Statements may wait for 20 seconds here: whoever has to wait for the lock is not
// answered before it is released.

const OTHERS = 20;
const LONG = { statementSeconds: 20 };
const PERIOD = '2026-11';
const TOTALS = { wordsSpoken: null, messagesCount: null, errorMessage: null };

const ROWS = [
  ['user', `SELECT FROM quota_users WHERE user_id = 'ann' FOR UPDATE`],
  ['quota', `SELECT FROM usage_quotas WHERE user_id = 'ann' FOR UPDATE`],
  ['record', `SELECT FROM avatar_usage_records WHERE user_id = 'ann' FOR UPDATE`],
] as const;

/** Ann and the others have a session each. */
async function withSessions(test: TestStore) {
  const others = await Promise.all(
    Array.from({ length: OTHERS }, async (_, user) => {
      const userId = `user-${user}`;
      return { userId, avatarSessionId: await startSession(test, { userId }) };
    }),
  );
  return { ann: { userId: 'ann', avatarSessionId: await startSession(test) }, others };
}

/** What the others do, together with a call of Ann's that needs the locked row. Resolves when all others have their answers. */
async function othersBeside(
  test: TestStore,
  lock: HeldLock,
  annsCall: (store: TestStore['store']) => Promise<unknown>,
) {
  const { others } = await sessionsOf(test);
  const failures: unknown[] = [];
  const pool = intercept(test.pool, async (name, run) => {
    try {
      return await run();
    } catch (error) {
      failures.push({ name, error });
      throw error;
    }
  });
  const store = test.anotherNode(0, pool);
  const stuck = annsCall(store);
  const beats = others.map((other) => store.heartbeat({ ...other, ...TOTALS }));
  const holds = others.map((_, user) => store.hold(holdRequest({ userId: `new-${user}` })));
  const reads = others.map(({ userId }) => store.read(userId, PERIOD));
  const answers = {
    beats: (await Promise.all(beats)).filter(({ outcome }) => outcome === 'alive').length,
    holds: (await Promise.all(holds)).filter(({ outcome }) => outcome === 'granted').length,
    reads: (await Promise.all(reads)).length,
    failures,
  };
  await lock.release();
  await stuck;
  return answers;
}

async function sessionsOf({ pool }: TestStore) {
  const { rows } = await pool.query<{ userId: string; avatarSessionId: string }>(
    `SELECT user_id AS "userId", avatar_session_id AS "avatarSessionId" FROM avatar_usage_records WHERE user_id <> 'ann'`,
  );
  return { others: rows };
}

const ALL_ANSWERED = { beats: OTHERS, holds: OTHERS, reads: OTHERS, failures: [] };

describe.each([
  ['without a ceiling', {}],
  ['under a ceiling', { accountLimitCost: 10_000_000_000n }],
])('%s, other users do not wait', (_, settings) => {
  it.each(ROWS)('for a %s row of one user that is locked while a session ends', async (_row, select) => {
    await using test = await createTestStore(settings, LONG);
    const { ann } = await withSessions(test);
    await using lock = await holdLock(test.pool, select);
    expect(await othersBeside(test, lock, (store) => store.end({ ...ann, ...TOTALS }))).toEqual(ALL_ANSWERED);
  });

  it.each(ROWS)('for a %s row of one user that is locked while a heartbeat comes', async (_row, select) => {
    await using test = await createTestStore(settings, LONG);
    const { ann } = await withSessions(test);
    await using lock = await holdLock(test.pool, select);
    expect(await othersBeside(test, lock, (store) => store.heartbeat({ ...ann, ...TOTALS }))).toEqual(ALL_ANSWERED);
  });

  it('for prices that are being changed', async () => {
    await using test = await createTestStore(settings, LONG);
    await withSessions(test);
    await using lock = await holdLock(test.pool, 'UPDATE prices SET per_minute = per_minute + 1');
    expect(await othersBeside(test, lock, async () => {})).toEqual(ALL_ANSWERED);
  });
});

it.each([
  ['state', 'SELECT FROM account_state FOR UPDATE'],
  ['month', 'SELECT FROM account_budgets FOR UPDATE'],
])('heartbeats and reads do not wait for the %s of the account, and tokens come after it', async (_, select) => {
  await using test = await createTestStore({ accountLimitCost: 10_000_000_000n }, LONG);
  const { others } = await withSessions(test);
  await using lock = await holdLock(test.pool, select);

  const holds = others.map((_other, user) => test.store.hold(holdRequest({ userId: `new-${user}` })));
  for (let round = 0; round < 3; round++) {
    const beats = await Promise.all(others.map((other) => test.store.heartbeat({ ...other, ...TOTALS })));
    expect(beats.every(({ outcome }) => outcome === 'alive')).toBe(true);
    await Promise.all(others.map(({ userId }) => test.store.read(userId, PERIOD)));
  }
  await lock.release();
  expect((await Promise.all(holds)).every(({ outcome }) => outcome === 'granted')).toBe(true);
});

it('the account that stays locked takes few connections: tokens fail soon, heartbeats and reads go on', async () => {
  await using test = await createTestStore({ accountLimitCost: 10_000_000_000n });
  const { others } = await withSessions(test);
  await using lock = await holdLock(test.pool, 'SELECT FROM account_state FOR UPDATE');

  let isPending = true;
  const holds = Promise.allSettled(
    Array.from({ length: 200 }, (_, user) => test.store.hold(holdRequest({ userId: `new-${user}` }))),
  ).finally(() => {
    isPending = false;
  });
  while (isPending) {
    const beats = await Promise.all(others.map((other) => test.store.heartbeat({ ...other, ...TOTALS })));
    expect(beats.every(({ outcome }) => outcome === 'alive')).toBe(true);
    expect(test.pool.totalCount - test.pool.idleCount).toBeLessThan(6);
  }
  expect((await holds).map(({ status }) => status)).toEqual(Array.from({ length: 200 }, () => 'rejected'));
  await lock.release();
  await expect(test.store.hold(holdRequest({ userId: 'bob' }))).resolves.toMatchObject({ outcome: 'granted' });
});
