import { describe, expect, it } from 'vitest';
import { confirmStops } from '../../support/due-work.ts';
import { createTestStore, FIRST_VERSION, holdRequest, startSession, type TestStore } from '../../support/store.ts';

const PERIOD = '2026-11';
const NOT_FOUND = { outcome: 'not_found', saved: null };

describe('ending a session', () => {
  it('settles its seconds and their cost, and returns the rest of its hold once the vendor has stopped it', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(90);

    await expect(test.store.end(end(avatarSessionId, { wordsSpoken: 40, messagesCount: 4 }))).resolves.toMatchObject({
      outcome: 'ended',
    });

    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      status: 'completed',
      end_reason: 'user_ended',
      session_ended_at: new Date('2026-11-10T12:01:30.000Z'),
      duration_seconds: 90,
      estimated_cost: '0.750000',
      words_spoken: 40,
      messages_count: 4,
      error_message: null,
      held_seconds: 1710,
      is_stopping: true,
      grant_seconds: 1800,
    });
    expect(await test.store.read('ann', PERIOD)).toMatchObject({
      settledSeconds: 90,
      settledCost: 750_000n,
      reservedSeconds: 1710,
      reservedCost: 14_250_000n,
      openRecords: [],
    });
    expect(await stops(test)).toEqual([{ reason: 'user_ended' }]);

    await confirmStops(test);

    expect(await sessionRow(test, avatarSessionId)).toMatchObject({ held_seconds: 0, is_stopping: false });
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ reservedSeconds: 0, reservedCost: 0n });
    expect(await ledger(test)).toEqual([
      { entry: 'hold', used_seconds: 0, held_seconds: 1800, reason: 'token_created', actor: 'ann' },
      { entry: 'settle', used_seconds: 90, held_seconds: -90, reason: 'user_ended', actor: 'track_end' },
      { entry: 'release', used_seconds: 0, held_seconds: -1710, reason: 'stop_confirmed', actor: 'service' },
    ]);
  });

  it('settles once when 20 calls race over two nodes', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(90);
    const nodes = [test.store, test.anotherNode()];

    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, call) => nodes[call % 2]?.end(end(avatarSessionId))),
    );

    expect(outcomes.filter((outcome) => outcome?.outcome === 'ended')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome?.outcome === 'already_ended')).toHaveLength(19);
    expect((await ledger(test)).filter(({ entry }) => entry === 'settle')).toHaveLength(1);
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ settledSeconds: 90, version: FIRST_VERSION + 3 });
  });

  it('takes late words after the end and changes no money', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(90);
    await test.store.end(end(avatarSessionId, { wordsSpoken: 10, messagesCount: 2 }));
    const before = await test.store.read('ann', PERIOD);
    test.clock.advance(600);

    await expect(test.store.end(end(avatarSessionId, { wordsSpoken: 12, messagesCount: 1 }))).resolves.toMatchObject({
      outcome: 'already_ended',
    });

    expect(await test.store.read('ann', PERIOD)).toEqual(before);
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      words_spoken: 12,
      messages_count: 2,
      duration_seconds: 90,
    });
  });

  it("does not find another user's session, nor an unknown one, and accepts no words for them", async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    const before = await sessionRow(test, avatarSessionId);

    const foreign = end(avatarSessionId, { userId: 'bob', wordsSpoken: 9 });
    await expect(test.store.end(foreign)).resolves.toEqual(NOT_FOUND);
    await expect(test.store.end(end('unknown'))).resolves.toEqual(NOT_FOUND);

    expect(await sessionRow(test, avatarSessionId)).toEqual(before);
  });

  it('releases the hold of a token that was never started', async () => {
    await using test = await createTestStore();
    const hold = holdRequest();
    await test.store.hold(hold);
    await test.store.attach({
      userId: 'ann',
      recordId: hold.recordId,
      avatarSessionId: 'stream',
      tokenHash: new Uint8Array(32),
    });

    await expect(test.store.end(end('stream'))).resolves.toMatchObject({ outcome: 'ended' });

    expect(await sessionRow(test, 'stream')).toMatchObject({ status: 'expired', end_reason: 'user_ended' });
    expect((await ledger(test)).map(({ entry }) => entry)).toEqual(['hold', 'release']);
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ settledSeconds: 0, reservedSeconds: 0 });
  });

  it('keeps what went wrong in the client as an error', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(5);

    await test.store.end(end(avatarSessionId, { errorMessage: 'WebRTC failed' }));

    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      status: 'error',
      end_reason: 'client_error',
      error_message: 'WebRTC failed',
      duration_seconds: 5,
    });
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ settledSeconds: 5 });
  });

  it.each([
    [0, 0],
    [0.001, 1],
    [1, 1],
    [59.999, 60],
    [60.001, 61],
  ])('counts a started second as a second: %d s are %d', async (elapsed, settled) => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(elapsed);
    await test.store.end(end(avatarSessionId));
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({ duration_seconds: settled });
  });

  it('settles nothing, not less, when the clock was set back', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(-30);
    await test.store.end(end(avatarSessionId));
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      duration_seconds: 0,
      session_ended_at: new Date('2026-11-10T12:00:00.000Z'),
    });
  });

  it('after the cap was over at the cap', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(2000);
    await test.store.end(end(avatarSessionId));
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      duration_seconds: 1800,
      session_ended_at: new Date('2026-11-10T12:30:00.000Z'),
    });
  });

  it('books over-use past the hold and the limit where the vendor takes no cap', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 1 });
    const avatarSessionId = await startSession(test, { vendorCaps: false });
    test.clock.advance(200);
    await test.store.end(end(avatarSessionId));
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ settledSeconds: 200, reservedSeconds: 0 });
  });
});

describe('one call of several that travel together', () => {
  it('does not fail for what another one is to blame for', async () => {
    await using test = await createTestStore();
    const ann = await startSession(test, { userId: 'ann' });
    const bob = await startSession(test, { userId: 'bob' });

    const [first, second] = await Promise.allSettled([
      test.store.end(end(ann, { errorMessage: 'a text with \0 inside' })),
      test.store.end(end(bob, { userId: 'bob' })),
    ]);

    expect(first.status).toBe('rejected');
    expect(second).toMatchObject({ status: 'fulfilled', value: { outcome: 'ended' } });
  });
});

describe('closing a record because the vendor failed', () => {
  it('releases the hold, keeps the reason, and is treated as a request for a token', async () => {
    await using test = await createTestStore({ maxTokensPerMinute: 1 });
    const hold = holdRequest();
    await test.store.hold(hold);

    await test.store.close({
      recordId: hold.recordId,
      userId: 'ann',
      reason: 'vendor_error',
      errorMessage: 'no funds',
    });

    expect(await test.database.query('SELECT status, end_reason, error_message FROM avatar_usage_records')).toEqual([
      { status: 'error', end_reason: 'vendor_error', error_message: 'no funds' },
    ]);
    expect((await ledger(test)).map(({ entry, actor }) => [entry, actor])).toEqual([
      ['hold', 'ann'],
      ['release', 'service'],
    ]);
    expect(await stops(test)).toEqual([]);
    const nextTokenAt = new Date(test.clock.now().getTime() + 60_000);
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ reservedSeconds: 0, nextTokenAt });
    await expect(test.store.hold(holdRequest())).resolves.toEqual({ outcome: 'rate_limited', retryAt: nextTokenAt });
  });

  it('leaves an ended record alone', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    await test.store.end(end(avatarSessionId));
    const before = await sessionRow(test, avatarSessionId);

    const recordId = (before as { id: string }).id;
    await test.store.close({ recordId, userId: 'ann', reason: 'vendor_error', errorMessage: 'late' });

    expect(await sessionRow(test, avatarSessionId)).toEqual(before);
  });
});

interface EndCall {
  userId?: string;
  wordsSpoken?: number;
  messagesCount?: number;
  errorMessage?: string;
}

function end(avatarSessionId: string, call: EndCall = {}) {
  return { userId: 'ann', avatarSessionId, wordsSpoken: null, messagesCount: null, errorMessage: null, ...call };
}

async function sessionRow({ database }: TestStore, avatarSessionId: string) {
  return (
    await database.query('SELECT * FROM avatar_usage_records WHERE avatar_session_id = $1', [avatarSessionId])
  )[0];
}

function ledger({ database }: TestStore) {
  return database.query('SELECT entry, used_seconds, held_seconds, reason, actor FROM quota_ledger ORDER BY id');
}

function stops({ database }: TestStore) {
  return database.query('SELECT reason FROM vendor_stops');
}
