import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { holdAfterStop } from '../../support/due-work.ts';
import { createTestStore, FIRST_VERSION, holdRequest, startSession } from '../../support/store.ts';

describe('holding quota for a token', () => {
  it('admits exactly what fits when 200 calls of one user race', async () => {
    await using test = await createTestStore({
      maxConcurrentSessions: 500,
      maxTokensPerMinute: 500,
      maxSessionSeconds: 60,
    });
    const { store, anotherNode } = test;
    const nodes = [store, anotherNode()];

    const outcomes = await Promise.all(Array.from({ length: 200 }, (_, call) => nodes[call % 2]?.hold(holdRequest())));

    expect(outcomes.filter((outcome) => outcome?.outcome === 'granted')).toHaveLength(60);
    expect(outcomes.filter((outcome) => outcome?.outcome === 'exceeded')).toHaveLength(140);
    const quota = await store.read('ann', '2026-11');
    expect(quota.reservedSeconds).toBe(3600);
  });

  it('creates one quota when 50 first calls of a new user race', async () => {
    await using test = await createTestStore({
      maxConcurrentSessions: 50,
      maxTokensPerMinute: 50,
      maxSessionSeconds: 60,
    });
    const nodes = [test.store, test.anotherNode()];

    await Promise.all(Array.from({ length: 50 }, (_, call) => nodes[call % 2]?.hold(holdRequest())));

    expect(await test.database.query('SELECT user_id, held_seconds, version FROM usage_quotas')).toEqual([
      { user_id: 'ann', held_seconds: 3000, version: FIRST_VERSION + 50 },
    ]);
  });

  it('lets one user through while another one is locked', async () => {
    await using test = await createTestStore();
    await test.store.hold(holdRequest({ userId: 'ann' }));
    const locker = await test.pool.connect();
    await locker.query(`BEGIN; SELECT FROM usage_quotas WHERE user_id = 'ann' FOR UPDATE`);

    const waiting = test.store.hold(holdRequest({ userId: 'ann', sessionId: randomUUID() }));
    await expect(test.store.hold(holdRequest({ userId: 'bob' }))).resolves.toMatchObject({ outcome: 'granted' });

    await locker.query('COMMIT');
    locker.release();
    await expect(waiting).resolves.toMatchObject({ outcome: 'granted' });
  });

  it('supersedes the token of the same conversation for another avatar, so that nobody is locked out', async () => {
    await using test = await createTestStore();
    await test.store.hold(holdRequest({ sessionId: 'chat' }));
    await expect(test.store.hold(holdRequest({ sessionId: 'chat', avatarName: 'ben' }))).resolves.toEqual({
      outcome: 'granted',
      grantSeconds: 1800,
    });
    expect(await statuses(test)).toEqual(['expired superseded', 'reserved null']);
  });

  it('ends the running session of the same conversation and settles what it has used', async () => {
    await using test = await createTestStore();
    await startSession(test, { sessionId: 'chat' });
    test.clock.advance(90);
    await expect(holdAfterStop(test, holdRequest({ sessionId: 'chat' }))).resolves.toMatchObject({
      outcome: 'granted',
    });
    expect(await statuses(test)).toEqual(['completed superseded', 'reserved null']);
    expect(await test.store.read('ann', '2026-11')).toMatchObject({ settledSeconds: 90, settledCost: 750_000n });
    expect(await test.database.query('SELECT reason FROM vendor_stops')).toEqual([{ reason: 'superseded' }]);
  });

  it('voids the oldest unused token at the limit of concurrent sessions', async () => {
    await using test = await createTestStore({ maxConcurrentSessions: 2 });
    for (let token = 0; token < 3; token++) {
      await test.store.hold(holdRequest());
      test.clock.advance(1);
    }
    expect(await statuses(test)).toEqual(['expired superseded', 'reserved null', 'reserved null']);
  });

  it('refuses another conversation while a session runs, and changes nothing', async () => {
    await using test = await createTestStore();
    await startSession(test);
    const before = await test.store.read('ann', '2026-11');
    await expect(test.store.hold(holdRequest())).resolves.toEqual({ outcome: 'concurrency' });
    expect(await test.store.read('ann', '2026-11')).toEqual(before);
  });

  it('says when the next token may be asked for, exactly across nodes', async () => {
    await using test = await createTestStore({ maxTokensPerMinute: 2 });
    const outcomes = await Promise.all(
      [test.store, test.anotherNode(), test.anotherNode()].map((node) => node.hold(holdRequest())),
    );
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['granted', 'granted', 'rate_limited']);
    test.clock.advance(60);
    await expect(test.store.hold(holdRequest())).resolves.toMatchObject({ outcome: 'granted' });
  });

  it('counts tokens that the vendor refused toward the limit per minute', async () => {
    await using test = await createTestStore({ maxTokensPerMinute: 2 });
    for (const node of [test.store, test.anotherNode()]) {
      const request = holdRequest();
      await expect(node.hold(request)).resolves.toMatchObject({ outcome: 'granted' });
      await node.close({ ...request, reason: 'vendor_error', errorMessage: 'HTTP 503' });
    }
    const retryAt = new Date('2026-11-10T12:01:00.000Z');
    await expect(test.store.hold(holdRequest())).resolves.toEqual({ outcome: 'rate_limited', retryAt });
  });

  it('names the limit that is tighter', async () => {
    await using test = await createTestStore({ pricePerMinute: 60_000_000n, defaultLimitCost: 50_000_000n });
    await expect(test.store.hold(holdRequest({ pricePerMinute: 60_000_000n }))).resolves.toEqual({
      outcome: 'exceeded',
      limit: 'cost',
    });
    await using other = await createTestStore({ defaultLimitMinutes: 0 });
    await expect(other.store.hold(holdRequest())).resolves.toEqual({ outcome: 'exceeded', limit: 'minutes' });
  });

  it('takes the limits of the last month into a new one', async () => {
    await using test = await createTestStore();
    await test.store.hold(holdRequest({ sessionId: 'chat' }));
    await test.database.query('UPDATE usage_quotas SET monthly_limit_minutes = 7, is_active = true');
    test.clock.set('2026-12-02T00:00:00Z');
    await expect(test.store.hold(holdRequest())).resolves.toEqual({ outcome: 'granted', grantSeconds: 420 });
  });
});

async function statuses({ database }: { database: { query: (sql: string) => Promise<unknown[]> } }) {
  const rows = await database.query(
    `SELECT status || ' ' || coalesce(end_reason::text, 'null') AS s FROM avatar_usage_records ORDER BY created_at, status`,
  );
  return (rows as { s: string }[]).map(({ s }) => s).sort();
}
