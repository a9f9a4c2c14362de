import { createHash, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { HoldRequest } from '../../../src/domain/store.ts';
import { ALWAYS, confirmStops, dueWork } from '../../support/due-work.ts';
import { listen } from '../../support/listen.ts';
import { createTestStore, FIRST_VERSION, holdRequest, startSession, type TestStore } from '../../support/store.ts';

const PERIOD = '2026-11';
const FAILED = 'LiveAvatar POST /v1/sessions/start answered 500: ';

describe('a token’s hash', () => {
  it('is recognised in every state of its record, and no other is', async () => {
    await using test = await createTestStore();
    const tokenHash = createHash('sha256').update('token').digest();
    const hold = holdRequest();
    const known = {
      recordId: hold.recordId,
      userId: 'ann',
      sessionId: hold.sessionId,
      avatarSessionId: 'stream',
      avatarName: hold.avatarName,
      vendor: 'simulator',
      grantSeconds: 1800,
    };
    await test.store.hold(hold);
    await test.store.attach({ userId: 'ann', recordId: hold.recordId, avatarSessionId: 'stream', tokenHash });
    const recognised = () => test.store.recognise(tokenHash);
    expect(await recognised()).toEqual({ ...known, status: 'reserved', expiresAt: new Date('2026-11-10T12:05:00Z') });
    await test.store.start({ ...hold, avatarSessionId: 'stream', avatarName: null });
    expect(await recognised()).toEqual({ ...known, status: 'active', expiresAt: new Date('2026-11-10T12:30:00Z') });
    await end(test, 'stream');
    expect(await recognised()).toEqual({ ...known, status: 'completed', expiresAt: null });

    expect(await test.store.recognise(createHash('sha256').update('other').digest())).toBeNull();
    expect(await test.store.recognise(new Uint8Array())).toBeNull();
  });
});

describe('a start that failed at the vendor', () => {
  it('ends the session as an error, and returns the whole hold once the vendor has confirmed that it does not run', async () => {
    await using test = await createTestStore();
    const { recordId } = await running(test);
    test.clock.advance(10.5);
    await test.store.failStart({ userId: 'ann', recordId, errorMessage: FAILED });

    expect(await recordOf(test, recordId)).toMatchObject({
      status: 'error',
      end_reason: 'vendor_error',
      error_message: FAILED,
      duration_seconds: 0,
      estimated_cost: '0.000000',
    });
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ settledSeconds: 0, reservedSeconds: 1800 });
    await confirmStops(test);
    expect(await test.store.read('ann', PERIOD)).toMatchObject({
      settledSeconds: 0,
      settledCost: 0n,
      reservedSeconds: 0,
      reservedCost: 0n,
    });
    expect(await test.database.query('SELECT avatar_session_id, reason FROM vendor_stops')).toEqual([
      { avatar_session_id: `stream-${recordId}`, reason: 'vendor_error' },
    ]);
  });

  it('takes back what was settled for the month before', async () => {
    await using test = await createTestStore();
    test.clock.set('2026-11-30T23:59:58.000Z');
    const { recordId } = await running(test);
    test.clock.advance(5);
    await dueWork(test).sweep(ALWAYS);
    await test.store.failStart({ userId: 'ann', recordId, errorMessage: FAILED });
    await confirmStops(test);
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ settledSeconds: 0, settledCost: 0n });
    expect(await test.store.read('ann', '2026-12')).toMatchObject({ settledSeconds: 0, reservedSeconds: 0 });
  });

  it('leaves an ended session as it is', async () => {
    await using test = await createTestStore();
    const { recordId, avatarSessionId } = await running(test);
    test.clock.advance(5);
    await end(test, avatarSessionId);
    const before = await recordOf(test, recordId);
    await test.store.failStart({ userId: 'ann', recordId, errorMessage: FAILED });
    expect(await recordOf(test, recordId)).toEqual(before);
  });
});

describe('a cap that the vendor names', () => {
  it('below the grant shrinks the hold, moves deadline, notice, and due time, and is published', async () => {
    await using test = await createTestStore();
    const { recordId } = await running(test);
    const heard = await listen(test);
    test.clock.advance(1);
    await test.store.cap({ userId: 'ann', recordId, capSeconds: 300 });

    expect(await recordOf(test, recordId)).toMatchObject({
      vendor_cap_seconds: 1800,
      effective_cap_seconds: 300,
      grant_seconds: 300,
      held_seconds: 300,
      held_cost: '2.500000',
      expires_at: new Date('2026-11-10T12:05:00Z'),
      due_at: new Date('2026-11-10T12:04:00Z'),
    });
    expect(await ledger(test, recordId)).toEqual([
      'hold +1800 s +15.000000 token_created',
      'release -1500 s -12.500000 session_capped',
    ]);
    expect(await heard('quota_events')).toMatchObject([
      { reason: 'session_capped', recordId, version: FIRST_VERSION + 3 },
    ]);
  });

  it.each([1800, 3600])('of %i seconds, not below the grant, is only noted', async (capSeconds) => {
    await using test = await createTestStore();
    const { recordId } = await running(test);
    const before = await recordOf(test, recordId);
    const heard = await listen(test);
    await test.store.cap({ userId: 'ann', recordId, capSeconds });
    expect(await recordOf(test, recordId)).toEqual({ ...before, effective_cap_seconds: capSeconds });
    expect(await heard('quota_events')).toEqual([]);
  });

  it('shorter than a notice’s time publishes no notice that lies in the past', async () => {
    await using test = await createTestStore();
    const { recordId } = await running(test);
    await test.store.cap({ userId: 'ann', recordId, capSeconds: 40 });
    expect(await recordOf(test, recordId)).toMatchObject({
      ending_notice: 60,
      due_at: new Date('2026-11-10T12:00:25Z'),
    });
  });

  it('named for an ended session is only recorded', async () => {
    await using test = await createTestStore();
    const { recordId, avatarSessionId } = await running(test);
    await end(test, avatarSessionId);
    await confirmStops(test);
    const before = await recordOf(test, recordId);
    await test.store.cap({ userId: 'ann', recordId, capSeconds: 300 });
    expect(await recordOf(test, recordId)).toEqual({ ...before, effective_cap_seconds: 300 });
  });

  it('counts from the start, also after the month’s end', async () => {
    await using test = await createTestStore();
    test.clock.set('2026-11-30T23:58:00.000Z');
    const { recordId } = await running(test);
    test.clock.advance(130);
    await dueWork(test).sweep(ALWAYS);
    await test.store.cap({ userId: 'ann', recordId, capSeconds: 300 });
    expect(await recordOf(test, recordId)).toMatchObject({
      settled_seconds: 120,
      held_seconds: 180,
      grant_seconds: 300,
      expires_at: new Date('2026-12-01T00:03:00Z'),
    });
  });

  it('is what a raised limit gives back at most', async () => {
    await using test = await createTestStore();
    const { recordId } = await running(test);
    await test.store.cap({ userId: 'ann', recordId, capSeconds: 300 });
    const change = { userId: 'ann', limitCost: null, isActive: null };
    await test.store.changeLimits({ ...change, limitMinutes: 1 });
    expect(await recordOf(test, recordId)).toMatchObject({ held_seconds: 60 });
    await test.store.changeLimits({ ...change, limitMinutes: 600 });
    expect(await recordOf(test, recordId)).toMatchObject({ held_seconds: 300, grant_seconds: 300 });
  });

  it('is when a session was over at the latest', async () => {
    await using test = await createTestStore();
    const { recordId, avatarSessionId } = await running(test);
    await test.store.cap({ userId: 'ann', recordId, capSeconds: 300 });
    test.clock.advance(1000);
    await end(test, avatarSessionId);
    expect(await recordOf(test, recordId)).toMatchObject({ duration_seconds: 300, end_reason: 'user_ended' });
  });

  it('of several sessions of one user is published with a version for each', async () => {
    await using test = await createTestStore({ maxConcurrentSessions: 2, defaultLimitMinutes: 600 });
    const sessions = [await running(test), await running(test)];
    const heard = await listen(test);
    await Promise.all(sessions.map(({ recordId }) => test.store.cap({ userId: 'ann', recordId, capSeconds: 300 })));
    const events = await heard('quota_events');
    expect(events.map(({ reason, version }) => [reason, version])).toEqual([
      ['session_capped', FIRST_VERSION + 5],
      ['session_capped', FIRST_VERSION + 6],
    ]);
    expect(new Set(events.map(({ recordId }) => recordId))).toEqual(new Set(sessions.map(({ recordId }) => recordId)));
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ reservedSeconds: 600, reservedCost: 5_000_000n });
  });
});

async function running(test: TestStore, request: Partial<HoldRequest> = {}) {
  const recordId = randomUUID();
  return { recordId, avatarSessionId: await startSession(test, { recordId, ...request }) };
}

function end({ store }: TestStore, avatarSessionId: string) {
  return store.end({ userId: 'ann', avatarSessionId, wordsSpoken: null, messagesCount: null, errorMessage: null });
}

/** Without the time of its last change. */
async function recordOf({ database }: TestStore, recordId: string) {
  const [row] = await database.query('SELECT * FROM avatar_usage_records WHERE id = $1', [recordId]);
  const { updated_at: _, ...record } = row ?? {};
  return record;
}

async function ledger({ database }: TestStore, recordId: string): Promise<string[]> {
  const rows = await database.query<{ line: string }>(
    `SELECT
      concat_ws(' ', entry, to_char(held_seconds, 'FMSG999990'), 's', to_char(held_cost, 'FMSG990.000000'), reason) AS line
    FROM quota_ledger WHERE record_id = $1 ORDER BY id`,
    [recordId],
  );
  return rows.map(({ line }) => line);
}
