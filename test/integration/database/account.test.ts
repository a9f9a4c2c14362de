import { describe, expect, it } from 'vitest';
import { openAccount } from '../../../src/database/account.ts';
import { createQuotaStore } from '../../../src/database/quota-store.ts';
import type { Admission } from '../../../src/domain/admission.ts';
import type { QuotaPolicy } from '../../../src/domain/policy.ts';
import { ALWAYS, confirmStops, dueWork, sweepAll } from '../../support/due-work.ts';
import { dumpDatabase } from '../../support/dump.ts';
import { holdLock, lockUser } from '../../support/lock.ts';
import { pauseAt } from '../../support/pause.ts';
import { createTestStore, holdRequest, startSession, type TestStore } from '../../support/store.ts';
import { waitForBlocked } from '../../support/wait-for.ts';

const PERIOD = '2026-11';
const USERS = 500;

function outcomes(admissions: readonly Admission[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of admissions) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** Every user asks for a token at the same moment, one half on either node. */
function everybodyAsks(test: TestStore): Promise<Admission[]> {
  const nodes = [test.store, test.anotherNode()];
  return Promise.all(
    Array.from({ length: USERS }, async (_, user) => {
      const node = nodes[user % 2] ?? test.store;
      return node.hold(holdRequest({ userId: `user-${user}` }));
    }),
  );
}

async function budget({ pool }: TestStore, period = PERIOD) {
  const { rows } = await pool.query('SELECT used_cost, held_cost FROM account_budgets WHERE period = $1', [period]);
  return rows[0];
}

async function openSessions({ pool }: TestStore) {
  const { rows } = await pool.query('SELECT open_sessions FROM account_state');
  return rows.map((row) => row.open_sessions);
}

function forgetAccount({ pool }: TestStore) {
  return pool.query('DELETE FROM account_budgets; DELETE FROM account_state');
}

/** What a token of a user without one would get. */
async function foretell({ store }: TestStore): Promise<Admission> {
  const { vendor, vendorMode, pricePerMinute } = holdRequest();
  return (await store.foresee('nobody', { vendor, vendorMode, pricePerMinute, sessionId: null })).admission;
}

function end({ store }: TestStore, userId: string, avatarSessionId: string) {
  return store.end({ userId, avatarSessionId, wordsSpoken: null, messagesCount: null, errorMessage: null });
}

async function alerts({ pool }: TestStore) {
  const { rows } = await pool.query('SELECT threshold_percent FROM account_alerts ORDER BY 1');
  return rows.map((row) => row.threshold_percent);
}

describe(`with ${USERS} users who ask at the same moment on two nodes`, () => {
  it('a budget for 10 sessions is given to exactly 10', async () => {
    // 1800 seconds at 0.50 are 15.00
    await using test = await createTestStore({ accountLimitCost: 150_000_000n });
    expect(outcomes(await everybodyAsks(test))).toEqual({ granted: 10, account_exceeded: USERS - 10 });
    expect(await budget(test)).toEqual({ used_cost: '0.000000', held_cost: '150.000000' });
  });

  it('10 places are given to exactly 10', async () => {
    await using test = await createTestStore({ accountMaxSessions: 10 });
    expect(outcomes(await everybodyAsks(test))).toEqual({ granted: 10, account_crowded: USERS - 10 });
  });

  it('of 10 places and a budget for 7 sessions, 7 are given', async () => {
    await using test = await createTestStore({ accountMaxSessions: 10, accountLimitCost: 105_000_000n });
    expect(outcomes(await everybodyAsks(test))).toEqual({ granted: 7, account_exceeded: USERS - 7 });
  });
});

describe('the budget of the account', () => {
  it('gives the last one who fits what is left of it', async () => {
    await using test = await createTestStore({ accountLimitCost: 16_000_000n });
    await expect(test.store.hold(holdRequest())).resolves.toEqual({ outcome: 'granted', grantSeconds: 1800 });
    await expect(test.store.hold(holdRequest({ userId: 'bob' }))).resolves.toEqual({
      outcome: 'granted',
      grantSeconds: 120,
    });
    await expect(test.store.hold(holdRequest({ userId: 'eve' }))).resolves.toEqual({ outcome: 'account_exceeded' });
  });

  it('refuses without a trace: whoever would have given way goes on', async () => {
    await using test = await createTestStore({ accountLimitCost: 15_000_000n });
    await startSession(test, { sessionId: 'chat' });
    test.clock.advance(1790);
    const before = await dumpDatabase(test.database);
    // its own session would return ten seconds only
    await expect(test.store.hold(holdRequest({ sessionId: 'chat' }))).resolves.toEqual({ outcome: 'account_exceeded' });
    expect(await dumpDatabase(test.database)).toEqual(before);
  });

  it('regains the room of what is superseded, ends early, or expires', async () => {
    await using test = await createTestStore({ accountLimitCost: 15_000_000n });
    await test.store.hold(holdRequest({ sessionId: 'chat' }));
    await expect(test.store.hold(holdRequest({ sessionId: 'chat', avatarName: 'ben' }))).resolves.toEqual({
      outcome: 'granted',
      grantSeconds: 1800,
    });
    test.clock.advance(300);
    await dueWork(test).sweep(ALWAYS);
    expect(await budget(test)).toEqual({ used_cost: '0.000000', held_cost: '0.000000' });
    const avatarSessionId = await startSession(test, { userId: 'bob' });
    test.clock.advance(120);
    await end(test, 'bob', avatarSessionId);
    expect(await budget(test)).toEqual({ used_cost: '1.000000', held_cost: '14.000000' });
    expect(await openSessions(test)).toEqual([1]);
    await confirmStops(test);
    expect(await budget(test)).toEqual({ used_cost: '1.000000', held_cost: '0.000000' });
    expect(await openSessions(test)).toEqual([0]);
  });

  it('gives what one user gives up to nobody who asks at the same moment', async () => {
    await using test = await createTestStore({ accountLimitCost: 16_000_000n });
    await test.store.hold(holdRequest({ userId: 'bob', sessionId: 'chat' }));
    await expect(
      Promise.all([
        test.store.hold(holdRequest({ userId: 'ann' })),
        test.store.hold(holdRequest({ userId: 'bob', sessionId: 'chat', avatarName: 'ben' })),
      ]),
    ).resolves.toEqual([
      { outcome: 'granted', grantSeconds: 120 },
      { outcome: 'granted', grantSeconds: 1800 },
    ]);
  });

  it('is counted by the month in which the seconds fall', async () => {
    await using test = await createTestStore({ accountLimitCost: 15_000_000n });
    test.clock.set('2026-11-30T23:50:00Z');
    await startSession(test);
    test.clock.set('2026-12-01T00:00:00Z');
    await sweepAll(test);
    expect(await budget(test)).toEqual({ used_cost: '5.000000', held_cost: '0.000000' });
    expect(await budget(test, '2026-12')).toEqual({ used_cost: '0.000000', held_cost: '10.000000' });
    await expect(test.store.hold(holdRequest({ userId: 'bob' }))).resolves.toEqual({
      outcome: 'granted',
      grantSeconds: 600,
    });
  });

  it('has no room for what is about to come over from the month before', async () => {
    await using test = await createTestStore({ accountLimitCost: 16_000_000n });
    test.clock.set('2026-11-30T23:59:50Z');
    await startSession(test);
    test.clock.set('2026-12-01T00:00:00Z');
    expect(await foretell(test)).toEqual({ outcome: 'granted', grantSeconds: 120 });
    const bob = await test.store.hold(holdRequest({ userId: 'bob' }));
    expect(bob).toEqual({ outcome: 'granted', grantSeconds: 120 });
    await sweepAll(test);
    // ten seconds of ann's stayed in November
    expect(await budget(test, '2026-12')).toEqual({ used_cost: '0.000000', held_cost: '15.916667' });
  });

  it('bounds what open sessions get when limits are raised: the oldest first', async () => {
    await using test = await createTestStore({ accountLimitCost: 16_500_000n, defaultLimitMinutes: 10 });
    for (const userId of ['ann', 'bob', 'eve']) {
      await startSession(test, { userId, vendorCaps: false });
      test.clock.advance(1);
    }
    expect(await budget(test)).toEqual({ used_cost: '0.000000', held_cost: '15.000000' });
    await test.pool.query('UPDATE usage_quotas SET monthly_limit_minutes = 12');
    await sweepAll(test);
    const { rows } = await test.pool.query('SELECT held_seconds FROM avatar_usage_records ORDER BY created_at');
    // two more minutes for ann, one for bob, and none is left for eve
    expect(rows.map((row) => row.held_seconds)).toEqual([720, 660, 600]);
    expect(await budget(test)).toEqual({ used_cost: '0.000000', held_cost: '16.500000' });

    await test.store.changeLimits({ userId: 'ann', limitMinutes: 2, limitCost: null, isActive: null });
    await test.store.changeLimits({ userId: 'eve', limitMinutes: 60, limitCost: null, isActive: null });
    await test.store.changeLimits({ userId: 'ann', limitMinutes: 60, limitCost: null, isActive: null });
    expect(await budget(test)).toEqual({ used_cost: '0.000000', held_cost: '16.500000' });
  });

  it('is warned of at each threshold, once a month', async () => {
    await using test = await createTestStore({ accountLimitCost: 50_000_000n, thresholds: [50, 80] });
    for (const [user, fired] of [
      ['ann', []],
      ['bob', [50]],
      ['eve', [50, 80]],
      ['joe', [50, 80, 100]],
    ] as const) {
      await test.store.hold(holdRequest({ userId: user, sessionId: 'chat' }));
      expect(await alerts(test)).toEqual(fired);
    }
    test.clock.advance(300);
    await dueWork(test).sweep(ALWAYS);
    await test.store.hold(holdRequest());
    expect(await alerts(test)).toEqual([50, 80, 100]);
  });

  it('begins with what the quotas hold and have used', async () => {
    await using test = await createTestStore({ accountLimitCost: 30_000_000n });
    await startSession(test);
    await forgetAccount(test);
    await Promise.all([openAccount(test.pool, test.policy), openAccount(test.pool, test.policy)]);
    expect(await budget(test)).toEqual({ used_cost: '0.000000', held_cost: '15.000000' });
    await openAccount(test.pool, test.policy);
    expect(await budget(test)).toEqual({ used_cost: '0.000000', held_cost: '15.000000' });
  });

  it('begins later, and says so, where a user is locked', async () => {
    await using test = await createTestStore({ accountLimitCost: 30_000_000n });
    await test.store.hold(holdRequest());
    await forgetAccount(test);
    await using lock = await lockUser(test);
    await expect(openAccount(test.pool, test.policy)).rejects.toThrow(/Try again in a few seconds\.$/);
    await lock.release();
    await openAccount(test.pool, test.policy);
    expect(await budget(test)).toEqual({ used_cost: '0.000000', held_cost: '15.000000' });
  });

  it('misses nothing of a token that is being held while it begins', async () => {
    await using test = await createTestStore();
    await test.store.hold(holdRequest({ sessionId: 'chat' }));
    await using lock = await holdLock(test.pool, 'SELECT FROM avatar_usage_records FOR UPDATE');
    const holding = test.store.hold(holdRequest({ sessionId: 'chat', avatarName: 'ben' }));
    await waitForBlocked(test.pool);
    const opening = openAccount(test.pool, { ...test.policy, accountLimitCost: 30_000_000n });
    await waitForBlocked(test.pool, 2);
    await lock.release();
    await Promise.all([holding, opening]);
    expect(await budget(test)).toEqual({ used_cost: '0.000000', held_cost: '15.000000' });
    expect(await openSessions(test)).toEqual([1]);
  });

  it('costs nothing once it is switched off, and is added up again when it is switched on', async () => {
    await using test = await createTestStore({ accountLimitCost: 30_000_000n });
    const unbounded = { ...test.policy, accountLimitCost: null };
    const avatarSessionId = await startSession(test);
    test.clock.advance(60);

    await openAccount(test.pool, unbounded);
    const node = createQuotaStore({ pool: test.pool, policy: unbounded, clock: test.clock.now });
    await node.hold(holdRequest({ userId: 'bob' }));
    await end({ ...test, store: node }, 'ann', avatarSessionId);
    await confirmStops({ ...test, store: node });
    expect(await budget(test)).toBeUndefined();
    expect(await openSessions(test)).toEqual([]);

    await openAccount(test.pool, test.policy);
    expect(await budget(test)).toEqual({ used_cost: '0.500000', held_cost: '15.000000' });
    expect(await openSessions(test)).toEqual([1]);
    expect(await foretell(test)).toEqual({ outcome: 'granted', grantSeconds: 1740 });
  });

  it('does not take what another user’s end returns before that is saved', async () => {
    await using test = await createTestStore({ accountLimitCost: 16_000_000n });
    const avatarSessionId = await startSession(test, { userId: 'bob' });
    const { pool, reached, release } = pauseAt(test.pool);
    const slow = { ...test, store: test.anotherNode(0, pool) };

    const ended = end(slow, 'bob', avatarSessionId);
    const held = slow.store.hold(holdRequest());
    await reached;
    await test.store.heartbeat({ userId: 'bob', avatarSessionId, wordsSpoken: null, messagesCount: null });
    release();

    await expect(ended).resolves.toMatchObject({ outcome: 'ended' });
    await expect(held).resolves.toEqual({ outcome: 'granted', grantSeconds: 120 });
  });

  it('locks nobody out where one user’s session ends while another’s token is held', async () => {
    await using test = await createTestStore({ accountLimitCost: 100_000_000n });
    const avatarSessionId = await startSession(test, { userId: 'bob' });
    await using lock = await holdLock(test.pool, 'SELECT FROM account_budgets FOR UPDATE');

    const ended = end(test, 'bob', avatarSessionId);
    await waitForBlocked(test.pool);
    const held = test.anotherNode().hold(holdRequest());
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await expect(ended).resolves.toMatchObject({ outcome: 'ended' });
    await expect(held).resolves.toMatchObject({ outcome: 'granted' });
  });

  it('locks nobody out who moves over the month’s end at the same moment as others hold and end', async () => {
    await using test = await createTestStore({ accountLimitCost: 1_000_000_000n }, { statementSeconds: 20 });
    test.clock.set('2026-11-30T23:59:00Z');
    const sessions = await Promise.all(
      Array.from({ length: 40 }, async (_, user) => ({
        userId: `user-${user}`,
        avatarSessionId: await startSession(test, { userId: `user-${user}`, sessionId: 'chat' }),
      })),
    );
    test.clock.set('2026-12-01T00:00:01Z');
    const counts = { wordsSpoken: null, messagesCount: null, errorMessage: null };
    await Promise.all([
      ...sessions.slice(0, 10).map((session) => test.store.end({ ...session, ...counts })),
      ...sessions.slice(5, 20).map(({ userId }) => test.anotherNode().hold(holdRequest({ userId, sessionId: 'chat' }))),
      dueWork(test).sweep(ALWAYS),
      dueWork(test).sweep(ALWAYS),
    ]);
  });
});

it('what a token would get of the account is foretold', async () => {
  await using test = await createTestStore({ accountLimitCost: 16_000_000n, accountMaxSessions: 2 });
  expect(await foretell(test)).toEqual({ outcome: 'granted', grantSeconds: 1800 });
  await test.store.hold(holdRequest());
  expect(await foretell(test)).toEqual({ outcome: 'granted', grantSeconds: 120 });
  await test.store.hold(holdRequest({ userId: 'bob' }));
  expect(await foretell(test)).toEqual({ outcome: 'account_crowded' });

  const foretellUnder = (policy: Partial<QuotaPolicy>) => {
    const store = createQuotaStore({ pool: test.pool, policy: { ...test.policy, ...policy }, clock: test.clock.now });
    return foretell({ ...test, store });
  };
  // 16.00 are held, and a minute costs 0.50
  const places = { accountMaxSessions: 3 };
  expect(await foretellUnder({ ...places, accountLimitCost: 16_499_999n })).toEqual({ outcome: 'account_exceeded' });
  expect(await foretellUnder({ ...places, accountLimitCost: 16_500_000n })).toEqual({
    outcome: 'granted',
    grantSeconds: 60,
  });
  expect(await foretellUnder({ accountLimitCost: null, accountMaxSessions: null })).toEqual({
    outcome: 'granted',
    grantSeconds: 1800,
  });
});
