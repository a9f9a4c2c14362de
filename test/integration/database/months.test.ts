import { describe, expect, it } from 'vitest';
import { createUsageReader } from '../../../src/database/usage-summary.ts';
import { ALWAYS, confirmStops, dueWork, holdAfterStop, sweepAll } from '../../support/due-work.ts';
import { listen } from '../../support/listen.ts';
import { createTestStore, holdRequest, startSession, type TestStore } from '../../support/store.ts';

// Sessions that run over the end of November, in UTC; 10 minutes of them fall into it if nothing else is said.

const NOVEMBER = '2026-11';
const DECEMBER = '2026-12';
const FIRST_VERSION_OF_DECEMBER = 324_000_000;

describe('a session over the end of its month', () => {
  it('is left alone up to the last millisecond', async () => {
    await using test = await createTestStore();
    await startAt(test, '2026-11-30T23:50:00Z');
    test.clock.set('2026-11-30T23:59:59.999Z');
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    expect(await quotaRows(test)).toMatchObject([{ current_month: NOVEMBER, held_seconds: 1800 }]);
  });

  it('holds of the new one before a token is granted there, also where no sweeper has come yet', async () => {
    await using test = await createTestStore({ maxConcurrentSessions: 2, defaultLimitMinutes: 30 });
    const avatarSessionId = await startAt(test, '2026-11-30T23:59:50Z');
    test.clock.set('2026-12-01T00:00:00Z');

    await expect(test.store.hold(holdRequest())).resolves.toEqual({ outcome: 'exceeded', limit: 'minutes' });

    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      quota_period: DECEMBER,
      settled_seconds: 10,
      held_seconds: 1790,
      expires_at: new Date('2026-12-01T00:29:50Z'),
    });
  });

  it('is settled there to the second, and the rest of its hold moves on', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startAt(test, '2026-11-30T23:50:00Z');
    test.clock.set('2026-12-01T00:00:00Z');

    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(1);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);

    expect(await test.store.read('ann', NOVEMBER)).toMatchObject({
      settledSeconds: 600,
      settledCost: 5_000_000n,
      reservedSeconds: 0,
      reservedCost: 0n,
      sessionCount: 1,
      openRecords: [],
    });
    expect(await test.store.read('ann', DECEMBER)).toMatchObject({
      settledSeconds: 0,
      reservedSeconds: 1200,
      reservedCost: 10_000_000n,
      sessionCount: 0,
      openRecords: [{ status: 'active', countedFrom: new Date('2026-12-01T00:00:00Z'), heldSeconds: 1200 }],
    });
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      billing_period: NOVEMBER,
      quota_period: DECEMBER,
      settled_seconds: 600,
      settled_cost: '5.000000',
      grant_seconds: 1800,
      expires_at: new Date('2026-12-01T00:20:00Z'),
      due_at: new Date('2026-12-01T00:19:00Z'),
    });

    test.clock.set('2026-12-01T00:05:00Z');
    await test.store.end(call(avatarSessionId));
    await confirmStops(test);

    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      duration_seconds: 900,
      estimated_cost: '7.500000',
    });
    expect(await ledger(test)).toEqual([
      '2026-11 hold +0 s held +1800 token_created',
      '2026-11 settle +600 s held -1800 period_ended',
      '2026-12 move +0 s held +1200 period_started',
      '2026-12 settle +300 s held -300 user_ended',
      '2026-12 release +0 s held -900 stop_confirmed',
    ]);
  });

  it('counts a second that began before midnight to the month it began in', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startAt(test, '2026-11-30T23:50:00.250Z');
    test.clock.set('2026-12-01T00:00:00Z');
    await sweepAll(test);
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      settled_seconds: 600,
      counted_from: new Date('2026-12-01T00:00:00.250Z'),
      expires_at: new Date('2026-12-01T00:20:00.250Z'),
    });

    test.clock.set('2026-12-01T00:00:00.100Z');
    await test.store.end(call(avatarSessionId));

    expect(await used(test)).toEqual({ [NOVEMBER]: 600, [DECEMBER]: 0 });
  });

  it('is split all the same where its end comes before any sweep', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startAt(test, '2026-11-30T23:50:00Z');
    test.clock.set('2026-12-01T00:00:10Z');

    await expect(test.store.end(call(avatarSessionId))).resolves.toMatchObject({ outcome: 'ended' });

    expect(await used(test)).toEqual({ [NOVEMBER]: 600, [DECEMBER]: 10 });
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({ duration_seconds: 610, settled_seconds: 600 });
  });

  it('that ended on the stroke of midnight has nothing in the new month', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startAt(test, '2026-11-30T23:50:00Z');
    test.clock.set('2026-12-01T00:00:00Z');
    await test.store.end(call(avatarSessionId));
    expect(await ledger(test)).toEqual([
      '2026-11 hold +0 s held +1800 token_created',
      '2026-11 settle +600 s held -600 user_ended',
    ]);
  });

  it('is split where a new token supersedes it', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startAt(test, '2026-11-30T23:50:00Z', { sessionId: 'chat' });
    const heard = await listen(test);
    test.clock.set('2026-12-01T00:00:10Z');

    await expect(holdAfterStop(test, holdRequest({ sessionId: 'chat' }))).resolves.toEqual({
      outcome: 'granted',
      grantSeconds: 1800,
    });

    expect(await used(test)).toEqual({ [NOVEMBER]: 600, [DECEMBER]: 10 });
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({ end_reason: 'superseded', duration_seconds: 610 });
    expect((await heard('quota_events')).map(({ period, reason, version }) => [period, reason, version])).toEqual([
      [DECEMBER, 'period_started', FIRST_VERSION_OF_DECEMBER + 1],
      [DECEMBER, 'session_ended', FIRST_VERSION_OF_DECEMBER + 2],
      [DECEMBER, 'hold_released', FIRST_VERSION_OF_DECEMBER + 3],
      [DECEMBER, 'token_created', FIRST_VERSION_OF_DECEMBER + 4],
    ]);
  });

  it('is split where nobody swept for weeks', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startAt(test, '2026-11-30T23:50:00Z');
    test.clock.set('2027-01-15T08:00:00Z');

    await sweepAll(test);

    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      end_reason: 'deadline_reached',
      session_ended_at: new Date('2026-12-01T00:20:00Z'),
      duration_seconds: 1800,
    });
    expect(await used(test)).toEqual({ [NOVEMBER]: 600, [DECEMBER]: 1200 });
  });

  it('whose heartbeats had stopped before midnight is corrected in the month it was settled in', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startAt(test, '2026-11-30T23:50:00Z');
    test.clock.set('2026-11-30T23:59:20Z');
    await test.store.heartbeat(call(avatarSessionId));
    test.clock.set('2026-12-01T00:00:00Z');
    await sweepAll(test);
    expect(await used(test)).toEqual({ [NOVEMBER]: 600, [DECEMBER]: 0 });
    const heard = await listen(test);

    test.clock.set('2026-12-01T00:00:50Z');
    await sweepAll(test);

    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      end_reason: 'heartbeat_lost',
      session_ended_at: new Date('2026-11-30T23:59:20Z'),
      duration_seconds: 560,
      estimated_cost: '4.666667',
    });
    expect(await quotaRows(test)).toMatchObject([
      { current_month: NOVEMBER, used_seconds: 560, used_cost: '4.666667' },
      { current_month: DECEMBER, used_seconds: 0, used_cost: '0.000000' },
    ]);
    expect((await ledger(test)).slice(-2)).toEqual([
      '2026-12 settle +0 s held +40 heartbeat_lost',
      '2026-11 correct -40 s held +0 heartbeat_lost',
    ]);
    expect((await heard('quota_events')).map(({ period, reason }) => `${period} ${reason}`)).toEqual([
      '2026-11 corrected',
      '2026-12 session_ended',
    ]);
  });

  it('whose heartbeats had stopped before midnight never comes to the new month where the sweep is late', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startAt(test, '2026-11-30T23:50:00Z');
    test.clock.set('2026-11-30T23:59:20Z');
    await test.store.heartbeat(call(avatarSessionId));
    test.clock.set('2026-12-01T00:05:00Z');
    await sweepAll(test);
    expect((await ledger(test)).slice(1)).toEqual(['2026-11 settle +560 s held -560 heartbeat_lost']);
  });

  it('triggers no warning of the old month again, and can trigger one of the new month', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 20, maxSessionSeconds: 1200 });
    await startAt(test, '2026-11-30T23:43:00Z');
    test.clock.set('2026-11-30T23:59:00Z');
    await sweepAll(test);
    test.clock.set('2026-12-01T00:00:00Z');

    await sweepAll(test);

    expect(await test.database.query('SELECT period, threshold_percent FROM quota_alerts')).toEqual([
      { period: NOVEMBER, threshold_percent: 80 },
    ]);
    expect(await test.database.query('SELECT current_month, next_threshold_at FROM usage_quotas ORDER BY 1')).toEqual([
      { current_month: NOVEMBER, next_threshold_at: null },
      { current_month: DECEMBER, next_threshold_at: new Date('2026-12-01T00:16:00Z') },
    ]);
  });
});

describe('a new month with less room than the session wants', () => {
  it('shrinks its hold and its deadline', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startAt(test, '2026-11-30T23:50:00Z');
    await setQuota(test, { minutes: 5 });
    test.clock.set('2026-12-01T00:00:00Z');

    await sweepAll(test);

    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      held_seconds: 300,
      grant_seconds: 900,
      expires_at: new Date('2026-12-01T00:05:00Z'),
      due_at: new Date('2026-12-01T00:04:00Z'),
    });
    test.clock.set('2026-12-01T00:05:00Z');
    await sweepAll(test);
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({ end_reason: 'deadline_reached' });
    expect(await used(test)).toEqual({ [NOVEMBER]: 600, [DECEMBER]: 300 });
  });

  it('shrinks them to what its cost covers', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startAt(test, '2026-11-30T23:50:00Z');
    await setQuota(test, { cost: '1.00' });
    test.clock.set('2026-12-01T00:00:00Z');
    await sweepAll(test);
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({ held_seconds: 120, held_cost: '1.000000' });
  });

  it('gives it to the oldest of several sessions first', async () => {
    await using test = await createTestStore({ maxConcurrentSessions: 2 });
    const older = await startAt(test, '2026-11-30T23:50:00Z');
    const newer = await startAt(test, '2026-11-30T23:55:00Z');
    await setQuota(test, { minutes: 25 });
    test.clock.set('2026-12-01T00:00:00Z');

    await sweepAll(test);

    expect(await sessionRow(test, older)).toMatchObject({ expires_at: new Date('2026-12-01T00:20:00Z') });
    expect(await sessionRow(test, newer)).toMatchObject({ expires_at: new Date('2026-12-01T00:05:00Z') });
    expect(await test.store.read('ann', DECEMBER)).toMatchObject({ reservedSeconds: 1500 });
  });

  it('ends at midnight the session that it has nothing left for', async () => {
    await using test = await createTestStore({ maxConcurrentSessions: 2 });
    const older = await startAt(test, '2026-11-30T23:50:00Z');
    const newer = await startAt(test, '2026-11-30T23:55:00Z');
    await setQuota(test, { minutes: 20 });
    test.clock.set('2026-12-01T00:00:00Z');

    await sweepAll(test);

    expect(await sessionRow(test, older)).toMatchObject({ status: 'active' });
    expect(await sessionRow(test, newer)).toMatchObject({ end_reason: 'deadline_reached', duration_seconds: 300 });
    expect(await used(test)).toEqual({ [NOVEMBER]: 900, [DECEMBER]: 0 });
  });
});

describe('an unused token over the end of the month', () => {
  it('moves on with its hold and keeps its time to live', async () => {
    await using test = await createTestStore();
    const token = await attachAt(test, '2026-11-30T23:58:00Z');
    const heard = await listen(test);
    test.clock.set('2026-12-01T00:00:00Z');

    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(1);

    const expiry = new Date('2026-12-01T00:03:00Z');
    expect(await sessionRow(test, token.avatarSessionId)).toMatchObject({
      status: 'reserved',
      quota_period: DECEMBER,
      expires_at: expiry,
      due_at: expiry,
    });
    expect(await quotaRows(test)).toMatchObject([{ held_seconds: 0 }, { held_seconds: 1800, held_cost: '15.000000' }]);
    expect(await heard('quota_events')).toMatchObject([{ reason: 'period_started', recordId: token.recordId }]);
  });

  it('is woken for at midnight', async () => {
    await using test = await createTestStore();
    const heard = await listen(test);
    await attachAt(test, '2026-11-30T23:58:00Z');
    await expect(dueWork(test).nextDue()).resolves.toEqual(new Date('2026-12-01T00:00:00Z'));
    expect(await heard('quota_due')).toEqual([Date.parse('2026-12-01T00:00:00Z')]);
  });

  it('counts to the month in which it is started, swept or not', async () => {
    await using test = await createTestStore({ maxConcurrentSessions: 2 });
    const swept = await attachAt(test, '2026-11-30T23:58:00Z');
    test.clock.set('2026-12-01T00:00:00Z');
    await sweepAll(test);
    const unswept = await attachAt(test, '2026-11-30T23:58:01Z', { userId: 'bob' });
    test.clock.set('2026-12-01T00:01:00Z');

    for (const token of [swept, unswept]) {
      await expect(test.store.start({ ...token, avatarName: null })).resolves.toMatchObject({ outcome: 'started' });
    }

    for (const userId of ['ann', 'bob']) {
      expect(await test.store.read(userId, NOVEMBER)).toMatchObject({ sessionCount: 0, reservedSeconds: 0 });
      expect(await test.store.read(userId, DECEMBER)).toMatchObject({ sessionCount: 1, reservedSeconds: 1800 });
    }
    expect(await sessionRow(test, unswept.avatarSessionId)).toMatchObject({
      billing_period: DECEMBER,
      settled_seconds: 0,
      expires_at: new Date('2026-12-01T00:31:00Z'),
    });
  });

  it('does not start if the new month has no room, and the vendor is asked to stop', async () => {
    await using test = await createTestStore();
    const token = await attachAt(test, '2026-11-30T23:58:00Z');
    await setQuota(test, { minutes: 0 });
    test.clock.set('2026-12-01T00:01:00Z');

    await expect(test.store.start({ ...token, avatarName: null })).resolves.toMatchObject({ outcome: 'ended' });

    expect(await sessionRow(test, token.avatarSessionId)).toMatchObject({ end_reason: 'token_expired' });
    expect(await test.store.read('ann', DECEMBER)).toMatchObject({ sessionCount: 0, reservedSeconds: 0 });
    expect(await test.database.query('SELECT avatar_session_id FROM vendor_stops')).toEqual([
      { avatar_session_id: token.avatarSessionId },
    ]);
  });

  it('expires in its own month when its time to live has passed', async () => {
    await using test = await createTestStore();
    await attachAt(test, '2026-11-30T23:58:00Z');
    test.clock.set('2027-02-01T00:00:00Z');
    await sweepAll(test);
    expect((await ledger(test)).slice(1)).toEqual(['2026-11 release +0 s held -1800 token_expired']);
  });
});

describe('the new month', () => {
  it('takes over the limits, and whether tokens are given out', async () => {
    await using test = await createTestStore();
    await startAt(test, '2026-11-30T23:50:00Z');
    await test.database.query(
      `UPDATE usage_quotas SET monthly_limit_minutes = 40, monthly_limit_cost = 30, is_active = false`,
    );
    test.clock.set('2026-12-01T00:00:00Z');

    await sweepAll(test);

    expect(await test.store.read('ann', DECEMBER)).toMatchObject({
      limitMinutes: 40,
      limitCost: 30_000_000n,
      isActive: false,
    });
    await expect(test.store.hold(holdRequest())).resolves.toEqual({ outcome: 'inactive' });
  });

  it('is published once for every session that was moved, with versions above all of the old month', async () => {
    await using test = await createTestStore({ maxConcurrentSessions: 2 });
    await startAt(test, '2026-11-30T23:50:00Z');
    await startAt(test, '2026-11-30T23:55:00Z');
    const old = await test.store.read('ann', NOVEMBER);
    const heard = await listen(test);
    test.clock.set('2026-12-01T00:00:00Z');

    await sweepAll(test);

    const events = await heard('quota_events');
    expect(events.map(({ period, reason, version }) => [period, reason, version])).toEqual([
      [DECEMBER, 'period_started', FIRST_VERSION_OF_DECEMBER + 1],
      [DECEMBER, 'period_started', FIRST_VERSION_OF_DECEMBER + 2],
    ]);
    expect(new Set(events.map(({ recordId }) => recordId)).size).toBe(2);
    expect(old.version).toBeLessThan(FIRST_VERSION_OF_DECEMBER);
    expect((await test.store.read('ann', NOVEMBER)).version).toBeLessThan(FIRST_VERSION_OF_DECEMBER);
    expect(await test.store.read('ann', DECEMBER)).toMatchObject({ version: FIRST_VERSION_OF_DECEMBER + 2 });
  });

  it('begins with its version also where an operator entered its limits before', async () => {
    await using test = await createTestStore();
    await setQuota(test, { minutes: 5 });
    const foretold = await test.store.read('bob', DECEMBER);
    expect(await test.store.read('ann', DECEMBER)).toMatchObject({ limitMinutes: 5, version: foretold.version });
  });

  it('can be asked for in any year', async () => {
    await using test = await createTestStore();
    expect(await test.store.read('ann', '9999-12')).toMatchObject({ limitMinutes: 60, version: 2_146_000_000 });
  });

  it('and the old one add up in the summaries, while the session runs and after', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startAt(test, '2026-11-30T23:50:00Z');
    const expectSummaries = async (novemberSeconds: number, decemberSeconds: number) => {
      for (const [period, seconds, date, sessionCount] of [
        [NOVEMBER, novemberSeconds, '2026-11-30', 1],
        [DECEMBER, decemberSeconds, '2026-12-01', 0],
      ] as const) {
        const totals = { sessionCount, totalSeconds: seconds, totalCost: (BigInt(seconds) * 500_000n) / 60n };
        expect(await summary(test, period)).toMatchObject({
          ...totals,
          byAvatar: [{ avatarName: 'default', ...totals }],
          byDay: [{ date, ...totals }],
        });
      }
    };
    test.clock.set('2026-12-01T00:00:00Z');
    await sweepAll(test);
    test.clock.set('2026-12-01T00:00:30Z');
    await expectSummaries(600, 30);

    test.clock.set('2026-12-01T00:02:00Z');
    await test.store.end({ ...call(avatarSessionId), wordsSpoken: 50, messagesCount: 5 });

    await expectSummaries(600, 120);
    expect(await used(test)).toEqual({ [NOVEMBER]: 600, [DECEMBER]: 120 });
    // what is counted once, not by the second, stands in the month of the start; how it ended, in that of the end
    expect(await summary(test, NOVEMBER)).toMatchObject({ wordsSpoken: 50, messagesCount: 5, completedCount: 0 });
    expect(await summary(test, DECEMBER)).toMatchObject({ wordsSpoken: 0, messagesCount: 0, completedCount: 1 });
  });
});

// The test's clock is that of the node ahead.
describe('nodes whose clocks differ by 30 s', () => {
  it('correct the old month where a session ends before midnight by the clock that is behind', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startAt(test, '2026-11-30T23:50:00Z');
    test.clock.set('2026-12-01T00:00:10Z');
    await sweepAll(test);

    await expect(test.anotherNode(30).end(call(avatarSessionId))).resolves.toMatchObject({ outcome: 'ended' });

    expect(await used(test)).toEqual({ [NOVEMBER]: 580, [DECEMBER]: 0 });
  });

  it('settle everything in the old month where only the one behind has acted', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startAt(test, '2026-11-30T23:50:00Z');
    test.clock.set('2026-12-01T00:00:10Z');
    await test.anotherNode(30).end(call(avatarSessionId));
    await sweepAll(test);
    expect((await ledger(test)).slice(1)).toEqual(['2026-11 settle +580 s held -580 user_ended']);
  });

  it('know of the session that has moved when a token is asked for in the old month', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startAt(test, '2026-11-30T23:50:00Z', { sessionId: 'chat' });
    test.clock.set('2026-12-01T00:00:10Z');
    await sweepAll(test);
    const behind = test.anotherNode(30);

    await expect(behind.hold(holdRequest())).resolves.toEqual({ outcome: 'concurrency' });
    const token = holdAfterStop(test, holdRequest({ sessionId: 'chat' }), behind);
    await expect(token).resolves.toMatchObject({ outcome: 'granted' });

    expect(await sessionRow(test, avatarSessionId)).toMatchObject({ end_reason: 'superseded', duration_seconds: 580 });
    expect(await quotaRows(test)).toMatchObject([
      { current_month: NOVEMBER, used_seconds: 580, held_seconds: 1800 },
      { current_month: DECEMBER, used_seconds: 0, held_seconds: 0 },
    ]);
  });

  it('take a token that was granted in the new month back into no other', async () => {
    await using test = await createTestStore();
    test.clock.set('2026-12-01T00:00:10Z');
    const token = await attachToken(test);
    const behind = test.anotherNode(30);
    await expect(behind.start({ ...token, avatarName: null })).resolves.toMatchObject({ outcome: 'started' });
    await behind.heartbeat(call(token.avatarSessionId));
    await expect(dueWork(test, { secondsBehind: 30 }).sweep(ALWAYS)).resolves.toBe(0);

    test.clock.advance(40);
    await behind.end(call(token.avatarSessionId));

    expect(await used(test)).toEqual({ [DECEMBER]: 40 });
  });

  it('move a session once', async () => {
    await using test = await createTestStore();
    await startAt(test, '2026-11-30T23:50:00Z');
    test.clock.set('2026-12-01T00:00:10Z');
    await expect(dueWork(test, { secondsBehind: 30 }).sweep(ALWAYS)).resolves.toBe(0);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(1);
    test.clock.advance(20);
    await expect(dueWork(test, { secondsBehind: 30 }).sweep(ALWAYS)).resolves.toBe(0);
    expect(await used(test)).toEqual({ [NOVEMBER]: 600, [DECEMBER]: 0 });
  });
});

async function startAt(test: TestStore, instant: string, request: Parameters<typeof startSession>[1] = {}) {
  test.clock.set(instant);
  return await startSession(test, request);
}

async function attachAt(test: TestStore, instant: string, request: Parameters<typeof holdRequest>[0] = {}) {
  test.clock.set(instant);
  return await attachToken(test, request);
}

async function attachToken({ store }: TestStore, request: Parameters<typeof holdRequest>[0] = {}) {
  const hold = holdRequest(request);
  const avatarSessionId = `stream-${hold.recordId}`;
  await store.hold(hold);
  await store.attach({ ...hold, avatarSessionId, tokenHash: new Uint8Array(32) });
  return { ...hold, avatarSessionId };
}

/** Enters ann's limits of December ahead. */
async function setQuota({ database }: TestStore, { minutes = 60, cost = '50' }: { minutes?: number; cost?: string }) {
  await database.query(
    `INSERT INTO usage_quotas (user_id, current_month, monthly_limit_minutes, monthly_limit_cost)
    VALUES ('ann', '2026-12', $1, $2)`,
    [minutes, cost],
  );
}

function call(avatarSessionId: string) {
  return { userId: 'ann', avatarSessionId, wordsSpoken: null, messagesCount: null, errorMessage: null };
}

function summary({ pool, policy, clock }: TestStore, period: string) {
  return createUsageReader({
    pool,
    billingTimeZone: policy.billingTimeZone,
    clock: clock.now,
  }).summary('ann', period);
}

async function sessionRow({ database }: TestStore, avatarSessionId: string) {
  return (
    await database.query('SELECT * FROM avatar_usage_records WHERE avatar_session_id = $1', [avatarSessionId])
  )[0];
}

function quotaRows({ database }: TestStore) {
  return database.query(`SELECT * FROM usage_quotas WHERE user_id = 'ann' ORDER BY current_month`);
}

/** Settled seconds by month. */
async function used(test: TestStore): Promise<Record<string, number>> {
  const rows = await quotaRows(test);
  return Object.fromEntries(rows.map((row) => [row.current_month, row.used_seconds]));
}

async function ledger({ database }: TestStore): Promise<string[]> {
  const rows = await database.query<{ line: string }>(
    `SELECT format(
      '%s %s %s s held %s %s', period, entry, to_char(used_seconds, 'SGFM999990'), to_char(held_seconds, 'SGFM999990'),
      reason
    ) AS line
    FROM quota_ledger ORDER BY id`,
  );
  return rows.map(({ line }) => line);
}
