import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ALWAYS, dueWork } from '../../support/due-work.ts';
import { holdLock } from '../../support/lock.ts';
import { createTestStore, FIRST_VERSION, holdRequest, startSession, type TestStore } from '../../support/store.ts';
import { waitForBlocked } from '../../support/wait-for.ts';

const PERIOD = '2026-11';
const NOT_FOUND = { outcome: 'not_found', saved: null };
const TOKEN_HASH = new Uint8Array(32);

describe('starting a session', () => {
  it('sets the deadline to now and the grant, and counts the session', async () => {
    await using test = await createTestStore();
    const token = await attachedToken(test);
    test.clock.advance(10);

    await expect(test.store.start({ ...token, avatarName: null })).resolves.toMatchObject({
      outcome: 'started',
      saved: { record: { id: token.recordId } },
    });

    expect(await recordOf(test, token.recordId)).toMatchObject({
      status: 'active',
      session_started_at: new Date('2026-11-10T12:00:10.000Z'),
      expires_at: new Date('2026-11-10T12:30:10.000Z'),
      // the first notice before the end
      due_at: new Date('2026-11-10T12:29:10.000Z'),
      avatar_name: 'default',
    });
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ sessionCount: 1, reservedSeconds: 1800 });
  });

  it('changes nothing the second time, not even the deadline', async () => {
    await using test = await createTestStore();
    const token = await attachedToken(test);
    await test.store.start({ ...token, avatarName: null });
    const before = [await recordOf(test, token.recordId), await test.store.read('ann', PERIOD)];
    test.clock.advance(10);

    await expect(test.store.start({ ...token, avatarName: 'other' })).resolves.toMatchObject({
      outcome: 'already_started',
      saved: { record: { id: token.recordId } },
    });

    expect([await recordOf(test, token.recordId), await test.store.read('ann', PERIOD)]).toEqual(before);
  });

  it('starts once when 20 calls race over two nodes', async () => {
    await using test = await createTestStore();
    const token = await attachedToken(test);
    const nodes = [test.store, test.anotherNode()];

    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, call) => nodes[call % 2]?.start({ ...token, avatarName: null })),
    );

    expect(outcomes.filter((outcome) => outcome?.outcome === 'started')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome?.outcome === 'already_started')).toHaveLength(19);
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ sessionCount: 1, version: FIRST_VERSION + 2 });
  });

  it.each<[string, Partial<{ userId: string; sessionId: string; avatarSessionId: string }>]>([
    ["another user's", { userId: 'bob' }],
    ['an unknown session', { avatarSessionId: 'unknown' }],
    ['a session of another conversation', { sessionId: 'another' }],
  ])('does not find %s', async (_, claim) => {
    await using test = await createTestStore();
    const token = await attachedToken(test);
    const before = await recordOf(test, token.recordId);

    await expect(test.store.start({ ...token, avatarName: null, ...claim })).resolves.toEqual(NOT_FOUND);

    expect(await recordOf(test, token.recordId)).toEqual(before);
  });

  it('does not find a token that the vendor has not minted yet', async () => {
    await using test = await createTestStore();
    const hold = holdRequest();
    await test.store.hold(hold);
    await expect(test.store.start({ ...hold, avatarSessionId: 'stream', avatarName: null })).resolves.toEqual(
      NOT_FOUND,
    );
  });

  it('ends a token past its time to live: its hold is released, and the vendor is asked to stop', async () => {
    await using test = await createTestStore();
    const token = await attachedToken(test);
    test.clock.advance(test.policy.tokenTtlSeconds);

    await expect(test.store.start({ ...token, avatarName: null })).resolves.toMatchObject({
      outcome: 'ended',
      saved: { record: { id: token.recordId } },
    });

    expect(await recordOf(test, token.recordId)).toMatchObject({ status: 'expired', end_reason: 'token_expired' });
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ sessionCount: 0, reservedSeconds: 0 });
    expect(await stops(test)).toEqual([{ avatar_session_id: token.avatarSessionId, reason: 'token_expired' }]);
  });

  it('is refused for a session that has ended', async () => {
    await using test = await createTestStore();
    const token = await attachedToken(test);
    await test.store.start({ ...token, avatarName: null });
    await test.store.end({ ...token, wordsSpoken: null, messagesCount: null, errorMessage: null });
    await expect(test.store.start({ ...token, avatarName: null })).resolves.toMatchObject({
      outcome: 'ended',
      saved: { record: { id: token.recordId } },
    });
  });
});

describe('where the vendor names a session only at its start', () => {
  it('takes the name and the avatar from the start', async () => {
    await using test = await createTestStore();
    const token = await unnamedToken(test);

    await expect(
      test.store.start({ ...token, avatarSessionId: 'late-name', avatarName: 'chosen' }),
    ).resolves.toMatchObject({ outcome: 'started' });

    expect(await recordOf(test, token.recordId)).toMatchObject({
      status: 'active',
      avatar_session_id: 'late-name',
      avatar_name: 'chosen',
    });
    await expect(
      test.store.start({ ...token, avatarSessionId: 'late-name', avatarName: 'chosen' }),
    ).resolves.toMatchObject({ outcome: 'already_started' });
  });

  it('lets one of two names win that race for one token', async () => {
    await using test = await createTestStore();
    const token = await unnamedToken(test);
    await using lock = await holdLock(test.pool, `SELECT FROM usage_quotas WHERE user_id = 'ann' FOR UPDATE`);

    const outcomes = [test.store, test.anotherNode()].map((node, index) =>
      node.start({ ...token, avatarSessionId: `name-${index}`, avatarName: null }),
    );
    await waitForBlocked(test.pool, 2);
    await lock.release();

    expect((await Promise.all(outcomes)).map(({ outcome }) => outcome).sort()).toEqual(['not_found', 'started']);
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ sessionCount: 1 });
  });

  it("does not take the name of another user's session", async () => {
    await using test = await createTestStore();
    const stolen = await startSession(test, { userId: 'bob' });
    const token = await unnamedToken(test);

    await expect(test.store.start({ ...token, avatarSessionId: stolen, avatarName: null })).resolves.toEqual(NOT_FOUND);

    expect(await recordOf(test, token.recordId)).toMatchObject({ status: 'reserved', avatar_session_id: null });
  });

  it("does not take the name of the user's own session of another conversation", async () => {
    await using test = await createTestStore({ maxConcurrentSessions: 2 });
    const own = await startSession(test);
    const token = await unnamedToken(test);
    await expect(test.store.start({ ...token, avatarSessionId: own, avatarName: null })).resolves.toEqual(NOT_FOUND);
  });

  it('has the vendor stop what was started with a token past its time to live', async () => {
    await using test = await createTestStore();
    const token = await unnamedToken(test);
    test.clock.advance(test.policy.tokenTtlSeconds);

    await expect(test.store.start({ ...token, avatarSessionId: 'late-name', avatarName: null })).resolves.toMatchObject(
      { outcome: 'ended' },
    );

    expect(await stops(test)).toEqual([{ avatar_session_id: 'late-name', reason: 'token_expired' }]);
  });
});

describe('a heartbeat', () => {
  it('changes no quota, and says by when the next one is due', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    const { openRecords: _, ...before } = await test.store.read('ann', PERIOD);
    test.clock.advance(20);

    await expect(test.store.heartbeat(beat(avatarSessionId, 12, 3))).resolves.toMatchObject({ outcome: 'alive' });

    expect(await test.store.read('ann', PERIOD)).toMatchObject(before);
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      words_spoken: 12,
      messages_count: 3,
      last_heartbeat_at: new Date('2026-11-10T12:00:20.000Z'),
      due_at: new Date('2026-11-10T12:01:50.000Z'),
    });
  });

  it('never moves a session past its deadline', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(1790);
    await dueWork(test).sweep(ALWAYS);
    await test.store.heartbeat(beat(avatarSessionId));
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      expires_at: new Date('2026-11-10T12:30:00.000Z'),
      due_at: new Date('2026-11-10T12:30:00.000Z'),
    });
  });

  it('that was overtaken makes no total smaller, and turns no clock back', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(20);
    await test.store.heartbeat(beat(avatarSessionId, 50, 5));
    test.clock.advance(-10);

    await test.store.heartbeat(beat(avatarSessionId, 40, null));
    await test.store.heartbeat(beat(avatarSessionId, null, 6));

    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      words_spoken: 50,
      messages_count: 6,
      last_heartbeat_at: new Date('2026-11-10T12:00:20.000Z'),
    });
  });

  it("does not find a token that was not started, nor another user's session", async () => {
    await using test = await createTestStore();
    const token = await attachedToken(test);
    await expect(test.store.heartbeat(beat(token.avatarSessionId))).resolves.toEqual(NOT_FOUND);
    await test.store.start({ ...token, avatarName: null });
    await expect(test.store.heartbeat({ ...beat(token.avatarSessionId), userId: 'bob' })).resolves.toEqual(NOT_FOUND);
    await expect(test.store.heartbeat(beat('unknown'))).resolves.toEqual(NOT_FOUND);
  });

  it('learns that the session has ended, and wakes nothing up', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    await test.store.end({ ...beat(avatarSessionId), errorMessage: null });
    const before = await sessionRow(test, avatarSessionId);

    await expect(test.store.heartbeat(beat(avatarSessionId, 99, 9))).resolves.toMatchObject({ outcome: 'ended' });

    expect(await sessionRow(test, avatarSessionId)).toEqual(before);
  });
});

describe('attaching what the vendor minted', () => {
  it('counts the time to live from there', async () => {
    await using test = await createTestStore();
    const hold = holdRequest();
    await test.store.hold(hold);
    test.clock.advance(20);

    const attach = { recordId: hold.recordId, avatarSessionId: 'stream', tokenHash: TOKEN_HASH };
    await expect(test.store.attach({ userId: 'ann', ...attach })).resolves.not.toBeNull();

    const expiry = new Date('2026-11-10T12:05:20.000Z');
    expect(await recordOf(test, hold.recordId)).toMatchObject({ expires_at: expiry, due_at: expiry });
  });

  it('is refused once the record has ended, and the vendor is asked to stop what it minted', async () => {
    await using test = await createTestStore();
    const hold = holdRequest({ sessionId: 'chat' });
    await test.store.hold(hold);
    await test.store.hold(holdRequest({ sessionId: 'chat', avatarName: 'ben' }));

    const attach = { recordId: hold.recordId, avatarSessionId: 'stream', tokenHash: TOKEN_HASH };
    await expect(test.store.attach({ userId: 'ann', ...attach })).resolves.toBeNull();

    expect(await recordOf(test, hold.recordId)).toMatchObject({ status: 'expired', expires_at: null, due_at: null });
    expect(await stops(test)).toEqual([{ avatar_session_id: 'stream', reason: 'superseded' }]);
  });

  it('is refused for a record that does not exist', async () => {
    await using test = await createTestStore();
    const attach = { recordId: randomUUID(), avatarSessionId: 'stream', tokenHash: TOKEN_HASH };
    await expect(test.store.attach({ userId: 'ann', ...attach })).resolves.toBeNull();
  });
});

async function attachedToken(test: TestStore) {
  const hold = holdRequest();
  const avatarSessionId = `stream-${hold.recordId}`;
  await test.store.hold(hold);
  await test.store.attach({ userId: 'ann', recordId: hold.recordId, avatarSessionId, tokenHash: TOKEN_HASH });
  return { ...hold, avatarSessionId };
}

async function unnamedToken(test: TestStore) {
  const hold = holdRequest();
  await test.store.hold(hold);
  await test.store.attach({ userId: 'ann', recordId: hold.recordId, avatarSessionId: null, tokenHash: TOKEN_HASH });
  return hold;
}

function beat(avatarSessionId: string, wordsSpoken: number | null = null, messagesCount: number | null = null) {
  return { userId: 'ann', avatarSessionId, wordsSpoken, messagesCount };
}

async function recordOf({ database }: TestStore, recordId: string) {
  return (await database.query('SELECT * FROM avatar_usage_records WHERE id = $1', [recordId]))[0];
}

async function sessionRow({ database }: TestStore, avatarSessionId: string) {
  return (
    await database.query('SELECT * FROM avatar_usage_records WHERE avatar_session_id = $1', [avatarSessionId])
  )[0];
}

function stops({ database }: TestStore) {
  return database.query('SELECT avatar_session_id, reason FROM vendor_stops');
}
