import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LimitChange } from '../../../src/domain/limits.ts';
import { sessionCost } from '../../../src/domain/price.ts';
import type { QuotaState } from '../../../src/domain/quota.ts';
import { ALWAYS, dueWork, holdAfterStop, sweepAll } from '../../support/due-work.ts';
import { listen } from '../../support/listen.ts';
import { createTestStore, FIRST_VERSION, holdRequest, startSession, type TestStore } from '../../support/store.ts';

// Sessions start at 12:00:00 with a grant of 30 minutes or what the limit leaves, at 0.50 a minute.

const PERIOD = '2026-11';

/** Whatever the clocks say. */
const DUE_AT_ONCE = new Date(0);

describe('a limit that is lowered while a session runs', () => {
  it('brings its deadline forward at once, and gives back the hold', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(300);

    await change(test, { limitMinutes: 10 });

    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      held_seconds: 600,
      held_cost: '5.000000',
      grant_seconds: 600,
      expires_at: at(600),
      due_at: at(540),
    });
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ limitMinutes: 10, reservedSeconds: 600 });
    expect((await ledger(test)).at(-1)).toEqual({
      entry: 'release',
      held_seconds: -1200,
      held_cost: '-10.000000',
      reason: 'limit_changed',
    });
    test.clock.advance(300);
    await sweepAll(test);
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      end_reason: 'deadline_reached',
      duration_seconds: 600,
    });
  });

  it('does so too where it is the cost', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(60);
    await change(test, { limitCost: 2_000_000n });
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({ held_cost: '2.000000', expires_at: at(240) });
  });

  it.each([
    [300, 300],
    [299.5, 300],
    [299.001, 300],
  ])('below what is used after %d s ends it at once: %d s are settled', async (elapsed, settled) => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(elapsed);
    const heard = await listen(test);

    await change(test, { limitMinutes: 4 });

    expect(await sessionRow(test, avatarSessionId)).toMatchObject({ expires_at: at(settled), due_at: at(settled) });
    test.clock.set(at(settled).toISOString());
    await sweepAll(test);
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      end_reason: 'deadline_reached',
      duration_seconds: settled,
    });
    expect(await heard('quota_due')).toContain(at(settled).getTime());
  });

  it('leaves the vendor’s cap in force where the sweep that should have ended it comes late', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    await change(test, { limitMinutes: 10 });
    test.clock.advance(86_400);
    await sweepAll(test);
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({ duration_seconds: 1800 });
  });

  it('books what a session ran on beyond it, also where a new token ends it', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test, { sessionId: 'chat' });
    await change(test, { limitMinutes: 20 });
    test.clock.advance(1205);
    await expect(test.store.hold(holdRequest({ sessionId: 'chat' }))).resolves.toMatchObject({ outcome: 'exceeded' });
    await change(test, { limitMinutes: 40 });
    await change(test, { limitMinutes: 22 });
    test.clock.advance(120);
    await expect(test.store.hold(holdRequest({ sessionId: 'other' }))).resolves.toMatchObject({
      outcome: 'concurrency',
    });
    await change(test, { limitMinutes: 60 });
    await expect(holdAfterStop(test, holdRequest({ sessionId: 'chat' }))).resolves.toMatchObject({
      outcome: 'granted',
    });
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({ end_reason: 'superseded', duration_seconds: 1325 });
  });
});

describe('a limit that is raised while a session runs', () => {
  it('puts its deadline off, up to the largest grant where the vendor takes no cap', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 10 });
    const avatarSessionId = await startSession(test, { vendorCaps: false });
    test.clock.advance(300);

    await change(test, { limitMinutes: 20 });
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      held_seconds: 1200,
      grant_seconds: 1200,
      expires_at: at(1200),
      due_at: at(1140),
    });

    await change(test, { limitMinutes: 600 });
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({ held_seconds: 1800, expires_at: at(1800) });
  });

  it('never puts it past the vendor’s cap', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 10 });
    const avatarSessionId = await startSession(test);
    const before = await sessionRow(test, avatarSessionId);
    test.clock.advance(300);
    await change(test, { limitMinutes: 60 });
    expect(await sessionRow(test, avatarSessionId)).toEqual(before);
  });

  it('gives back what a lower one took', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    test.clock.advance(300);
    await change(test, { limitMinutes: 6 });
    await change(test, { limitMinutes: 60 });
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      held_seconds: 1800,
      held_cost: '15.000000',
      expires_at: at(1800),
      vendor_cap_seconds: 1800,
    });
  });

  it('counts what is settled in the month before to the cap of a session that came over from there', async () => {
    await using test = await createTestStore();
    test.clock.set('2026-11-30T23:50:00Z');
    const avatarSessionId = await startSession(test);
    test.clock.set('2026-12-01T00:00:00Z');
    await sweepAll(test);
    await change(test, { limitMinutes: 5 });
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      grant_seconds: 900,
      expires_at: new Date('2026-12-01T00:05:00Z'),
    });
    await change(test, { limitMinutes: 60 });
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({
      grant_seconds: 1800,
      held_seconds: 1200,
      expires_at: new Date('2026-12-01T00:20:00Z'),
    });
  });

  it('may be as high as its column holds', async () => {
    await using test = await createTestStore();
    await test.database.query(
      `INSERT INTO usage_quotas (user_id, current_month, monthly_limit_minutes) VALUES ('ann', $1, 2147483647)`,
      [PERIOD],
    );
    const avatarSessionId = await startSession(test);
    test.clock.advance(10);
    await change(test, { limitMinutes: 2_147_483_646 });
    await test.store.end(call(avatarSessionId));
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ settledSeconds: 10 });
  });
});

describe('thresholds', () => {
  it('that lie ahead again can be crossed and warn again', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 10 });
    await startSession(test, { vendorCaps: false });
    test.clock.advance(480);
    await sweepAll(test);
    const heard = await listen(test);
    test.clock.advance(10);

    await change(test, { limitMinutes: 20 });

    expect(await alerts(test)).toEqual([]);
    test.clock.set(at(960).toISOString());
    await sweepAll(test);
    expect(await alerts(test)).toEqual([{ threshold_percent: 80, crossed_at: at(960) }]);
    expect((await heard('quota_events')).map(({ reason }) => reason)).toEqual(['limit_changed', 'warning']);
  });

  it('that are still crossed do not warn again', async () => {
    await using test = await createTestStore({ defaultLimitMinutes: 10 });
    await startSession(test, { vendorCaps: false });
    test.clock.advance(580);
    await sweepAll(test);
    const heard = await listen(test);
    // 580 of 720 seconds
    await change(test, { limitMinutes: 12 });
    await sweepAll(test);
    expect(await alerts(test)).toMatchObject([{ threshold_percent: 80, crossed_at: at(480) }]);
    expect((await heard('quota_events')).map(({ reason }) => reason)).toEqual(['limit_changed']);
  });

  it('that a lower limit crosses warn at once, after the news of it', async () => {
    await using test = await createTestStore();
    await startSession(test);
    test.clock.advance(290);
    const heard = await listen(test);

    await change(test, { limitMinutes: 5 });

    expect(await alerts(test)).toEqual([{ threshold_percent: 80, crossed_at: at(290) }]);
    expect((await heard('quota_events')).map(({ reason, version }) => [reason, version - FIRST_VERSION])).toEqual([
      ['limit_changed', 3],
      ['warning', 4],
    ]);
    expect(await test.database.query('SELECT next_threshold_at FROM usage_quotas')).toEqual([
      { next_threshold_at: at(300) },
    ]);
  });
});

describe('unused tokens', () => {
  it('shrink, and start with what is left', async () => {
    await using test = await createTestStore();
    const token = await attachedToken(test);
    await change(test, { limitMinutes: 10 });
    expect(await sessionRow(test, token.avatarSessionId)).toMatchObject({ held_seconds: 600, expires_at: at(300) });
    await test.store.start({ ...token, avatarName: null });
    expect(await sessionRow(test, token.avatarSessionId)).toMatchObject({ expires_at: at(600), due_at: at(540) });
  });

  it('for which nothing is left are voided', async () => {
    await using test = await createTestStore();
    const token = await attachedToken(test);
    test.clock.advance(10);
    await change(test, { limitMinutes: 0 });
    await expect(dueWork(test).nextDue()).resolves.toEqual(at(10));

    await expect(test.store.start({ ...token, avatarName: null })).resolves.toMatchObject({ outcome: 'ended' });

    expect(await sessionRow(test, token.avatarSessionId)).toMatchObject({ end_reason: 'token_expired' });
  });

  it('for which nothing is left are not issued, and the vendor is asked to stop what it minted', async () => {
    await using test = await createTestStore();
    const { recordId } = holdRequest();
    await test.store.hold(holdRequest({ recordId }));
    await change(test, { limitMinutes: 0 });

    const attach = { recordId, avatarSessionId: 'stream', tokenHash: new Uint8Array(32) };
    await expect(test.store.attach({ userId: 'ann', ...attach })).resolves.toBeNull();
    await sweepAll(test);

    expect(await test.database.query('SELECT avatar_session_id, reason FROM vendor_stops')).toEqual([
      { avatar_session_id: 'stream', reason: 'token_expired' },
    ]);
  });
});

describe('several open records', () => {
  it('keep what they have consumed, and share the rest, the oldest first', async () => {
    await using test = await createTestStore({ maxConcurrentSessions: 3 });
    const older = await startSession(test);
    test.clock.advance(60);
    const newer = await startSession(test);
    test.clock.advance(60);

    // 2400 − 120 − 60: the older one has its 1680, the newer one the other 540
    await change(test, { limitMinutes: 40 });
    expect(await sessionRow(test, older)).toMatchObject({ held_seconds: 1800, expires_at: at(1800) });
    expect(await sessionRow(test, newer)).toMatchObject({ held_seconds: 600, expires_at: at(660) });

    // 1200 − 120 − 60: all of it for the older one
    await change(test, { limitMinutes: 20 });
    expect(await sessionRow(test, older)).toMatchObject({ held_seconds: 1140, expires_at: at(1140) });
    expect(await sessionRow(test, newer)).toMatchObject({ held_seconds: 60, due_at: at(120) });
  });

  const anySession = fc.record({
    price: fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 3_000_000n })),
    vendorCaps: fc.boolean(),
    starts: fc.boolean(),
    wait: fc.integer({ min: 0, max: 200_000 }).map((milliseconds) => milliseconds / 1000),
  });
  const anyLimits = fc.record({
    limitMinutes: fc.integer({ min: 0, max: 120 }),
    limitCost: fc.oneof(fc.bigInt({ min: 0n, max: 50n }), fc.bigInt({ min: 0n, max: 90_000_000n })),
  });

  it('never hold more than the limits leave, nor run past their caps, and have all back when the limits are', async () => {
    await using test = await createTestStore({
      maxConcurrentSessions: 4,
      defaultLimitMinutes: 120,
      defaultLimitCost: 400_000_000n,
    });
    let user = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anySession, { maxLength: 4 }), anyLimits, async (sessions, limits) => {
        const userId = `user-${user++}`;
        for (const { price: pricePerMinute, vendorCaps, starts, wait } of sessions) {
          if (starts) await startSession(test, { userId, pricePerMinute, vendorCaps });
          else await attachedToken(test, { userId, pricePerMinute, vendorCaps });
          test.clock.advance(wait);
        }
        const start = test.clock.now();
        const before = await test.store.read(userId, PERIOD);
        await test.store.changeLimits({ userId, ...limits, isActive: null });

        const lowered = await test.store.read(userId, PERIOD);
        const consumed = consumedAt(lowered, start);
        expect(lowered.reservedSeconds).toBeLessThanOrEqual(Math.max(limits.limitMinutes * 60, consumed.seconds));
        // a millionth for each sum that is rounded separately
        const cost = lowered.reservedCost - BigInt(sessions.length);
        expect(cost <= limits.limitCost || cost <= consumed.cost).toBe(true);
        for (const record of lowered.openRecords) expect(record.heldSeconds).toBeLessThanOrEqual(1800);
        expect(await misplacedDeadlines(test, userId)).toEqual([]);

        await test.store.changeLimits({
          userId,
          limitMinutes: before.limitMinutes,
          limitCost: before.limitCost,
          isActive: null,
        });
        const restored = await test.store.read(userId, PERIOD);
        const held = ({ openRecords }: QuotaState) => openRecords.map(({ id, heldSeconds }) => [id, heldSeconds]);
        expect(held(restored)).toEqual(held(before));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a limit that is changed by plain SQL', () => {
  it('wakes the sweepers, who let open sessions follow', async () => {
    await using test = await createTestStore();
    const avatarSessionId = await startSession(test);
    const heard = await listen(test);

    await test.database.query('UPDATE usage_quotas SET monthly_limit_minutes = 10');

    expect(await dueWork(test).nextDue()).toEqual(DUE_AT_ONCE);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(1);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    expect(await sessionRow(test, avatarSessionId)).toMatchObject({ held_seconds: 600, expires_at: at(600) });
    expect(await dueWork(test).nextDue()).toEqual(at(480));
    expect(await heard('quota_due')).toEqual([DUE_AT_ONCE.getTime()]);
  });

  it('is one change where it says what there was', async () => {
    await using test = await createTestStore();
    await startSession(test);
    const heard = await listen(test);
    await test.database.query('UPDATE usage_quotas SET monthly_limit_minutes = 60, is_active = true');
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    expect(await heard('quota_events')).toEqual([]);
  });
});

describe('changing a limit', () => {
  it('creates the quota of a user who was never seen', async () => {
    await using test = await createTestStore();
    await change(test, { limitCost: 7_000_000n });
    expect(await test.store.read('ann', PERIOD)).toMatchObject({ limitMinutes: 60, limitCost: 7_000_000n });
  });

  it('is published once, and not if nothing changed', async () => {
    await using test = await createTestStore();
    await startSession(test);
    const heard = await listen(test);
    await change(test, { limitMinutes: 20 });
    await change(test, { limitMinutes: 20, isActive: true });
    await sweepAll(test);
    expect(await heard('quota_events')).toMatchObject([
      { reason: 'limit_changed', period: PERIOD, version: FIRST_VERSION + 3, recordId: null },
    ]);
  });

  it('switches tokens off and on; running sessions go on', async () => {
    await using test = await createTestStore({ maxConcurrentSessions: 2 });
    const avatarSessionId = await startSession(test);
    const before = await sessionRow(test, avatarSessionId);

    await change(test, { isActive: false });
    await expect(test.store.hold(holdRequest())).resolves.toEqual({ outcome: 'inactive' });
    expect(await sessionRow(test, avatarSessionId)).toEqual(before);

    await change(test, { isActive: true });
    await expect(test.store.hold(holdRequest())).resolves.toMatchObject({ outcome: 'granted' });
  });

  it('leaves the months that are over as they were, and reaches the next one where it is there already', async () => {
    await using test = await createTestStore();
    test.clock.set('2026-10-31T12:00:00Z');
    await test.store.hold(holdRequest());
    test.clock.set('2026-11-30T23:59:30Z');
    const avatarSessionId = await startSession(test);
    await test.store.end(call(avatarSessionId));

    await change(test, { limitMinutes: 7, isActive: false });
    await sweepAll(test);

    expect(
      await test.database.query('SELECT current_month, monthly_limit_minutes, is_active FROM usage_quotas ORDER BY 1'),
    ).toEqual([
      { current_month: '2026-10', monthly_limit_minutes: 60, is_active: true },
      { current_month: '2026-11', monthly_limit_minutes: 7, is_active: false },
      { current_month: '2026-12', monthly_limit_minutes: 7, is_active: false },
    ]);
  });
});

/** So many seconds after 12:00. */
function at(second: number): Date {
  return new Date(Date.parse('2026-11-10T12:00:00Z') + second * 1000);
}

async function change({ store }: TestStore, limits: Partial<LimitChange>): Promise<void> {
  await store.changeLimits({ userId: 'ann', limitMinutes: null, limitCost: null, isActive: null, ...limits });
}

function call(avatarSessionId: string) {
  return { userId: 'ann', avatarSessionId, wordsSpoken: null, messagesCount: null, errorMessage: null };
}

async function attachedToken({ store }: TestStore, request: Parameters<typeof holdRequest>[0] = {}) {
  const hold = holdRequest(request);
  const avatarSessionId = `stream-${hold.recordId}`;
  expect(await store.hold(hold)).toMatchObject({ outcome: 'granted' });
  await store.attach({ userId: 'ann', recordId: hold.recordId, avatarSessionId, tokenHash: new Uint8Array(32) });
  return { ...hold, avatarSessionId };
}

/** What the running sessions have consumed, each second begun counted, and each to its hold. */
function consumedAt({ openRecords }: QuotaState, now: Date): { seconds: number; cost: bigint } {
  const consumed = openRecords
    .filter(({ countedFrom }) => countedFrom !== null)
    .map(({ countedFrom, heldSeconds, pricePerMinute }) => {
      const elapsed = Math.ceil((now.getTime() - Number(countedFrom)) / 1000);
      const seconds = Math.min(elapsed, heldSeconds);
      return { seconds, cost: sessionCost(seconds, pricePerMinute) };
    });
  return {
    seconds: consumed.reduce((sum, { seconds }) => sum + seconds, 0),
    cost: consumed.reduce((sum, { cost }) => sum + cost, 0n),
  };
}

/** Running sessions that do not end when their hold does. */
function misplacedDeadlines({ database }: TestStore, userId: string) {
  return database.query(
    `SELECT id FROM avatar_usage_records
    WHERE user_id = $1 AND status = 'active' AND expires_at <> counted_from + make_interval(secs => held_seconds)`,
    [userId],
  );
}

async function sessionRow({ database }: TestStore, avatarSessionId: string) {
  return (
    await database.query('SELECT * FROM avatar_usage_records WHERE avatar_session_id = $1', [avatarSessionId])
  )[0];
}

function alerts({ database }: TestStore) {
  return database.query('SELECT threshold_percent, crossed_at FROM quota_alerts ORDER BY threshold_percent');
}

function ledger({ database }: TestStore) {
  return database.query('SELECT entry, held_seconds, held_cost, reason FROM quota_ledger ORDER BY id');
}
