import { describe, expect, it } from 'vitest';
import { auditBooks } from '../../../src/database/audit.ts';
import { createReconciliation } from '../../../src/database/reconciliation.ts';
import { answerWithLists, createVendorBooks } from '../../support/vendor-books.ts';

// The policy's price: 0.50 a minute, by the second. The vendor takes two credits for each minute that has begun.

describe('a session that has ended on both sides', () => {
  it('keeps its estimate, and is charged what the vendor says', async () => {
    await using test = await createVendorBooks();
    const session = await test.startSession();
    test.clock.advance(90.5);
    await test.stopAtVendor(session);
    await test.reportEnd(session);
    const { version } = await test.store.read('ann', '2026-11');

    expect(await test.reconcile()).toMatchObject({ corrected: 1, confirmed: 0 });

    expect(await test.record(session)).toMatchObject({
      status: 'completed',
      end_reason: 'user_ended',
      duration_seconds: 91,
      estimated_cost: '0.758333',
      actual_seconds: 90,
      actual_cost: '1.000000',
      vendor_end_reason: 'USER_CLOSED',
      reconciled_at: test.clock.now(),
    });
    expect(await test.corrections()).toEqual([
      { period: '2026-11', used_seconds: -1, used_cost: 0.241667, reason: 'vendor_figures' },
    ]);
    expect(await test.store.read('ann', '2026-11')).toMatchObject({
      settledSeconds: 90,
      settledCost: 1_000_000n,
      // the rest of its hold returns first
      version: version + 2,
    });
  });

  it('is booked once, however often the books are compared', async () => {
    await using test = await createVendorBooks();
    const session = await test.startSession();
    test.clock.advance(61);
    await test.stopAtVendor(session);
    await test.reportEnd(session);
    await test.reconcile();
    const before = [await test.record(session), await test.store.read('ann', '2026-11')];

    test.clock.advance(300);
    expect(await test.reconcile()).toMatchObject({ known: 1, corrected: 0, confirmed: 0 });
    expect(await test.reconcile({}, 'months')).toMatchObject({ known: 1, corrected: 0, confirmed: 0 });

    expect([await test.record(session), await test.store.read('ann', '2026-11')]).toEqual(before);
  });

  it('is confirmed if the figures agree, and only the rest of its hold returns', async () => {
    await using test = await createVendorBooks();
    const session = await test.startSession();
    test.clock.advance(120);
    await test.stopAtVendor(session);
    await test.reportEnd(session);
    const before = await test.store.read('ann', '2026-11');

    expect(await test.reconcile()).toMatchObject({ corrected: 0, confirmed: 1 });

    expect(await test.record(session)).toMatchObject({ actual_seconds: 120, actual_cost: '1.000000' });
    expect(await test.corrections()).toEqual([]);
    expect(await test.store.read('ann', '2026-11')).toEqual({
      ...before,
      reservedSeconds: 0,
      reservedCost: 0n,
      version: before.version + 1,
    });
  });

  it('is charged past the limit when it ran longer at the vendor, and the limit is published', async () => {
    await using test = await createVendorBooks({ defaultLimitMinutes: 2 });
    const session = await test.startSession();
    test.clock.advance(60);
    await test.reportEnd(session);
    test.clock.advance(40);
    await test.keepAliveAtVendor(session);
    test.clock.advance(20);

    expect(await test.reconcile()).toMatchObject({ corrected: 1 });

    expect(await test.record(session)).toMatchObject({
      actual_seconds: 120,
      vendor_end_reason: 'MAX_DURATION_REACHED',
    });
    expect(await test.corrections()).toMatchObject([{ used_seconds: 60, reason: 'ran_longer' }]);
    const quota = await test.store.read('ann', '2026-11');
    expect(quota).toMatchObject({ settledSeconds: 120 });
    expect(quota.alerts.map((alert) => alert.thresholdPercent).sort()).toEqual([100, 80]);
  });

  it('gives back what the vendor ended sooner', async () => {
    await using test = await createVendorBooks();
    const session = await test.startSession();
    test.clock.advance(60);
    await test.stopAtVendor(session);
    test.clock.advance(600);
    await test.reportEnd(session);

    await test.reconcile();

    expect(await test.corrections()).toEqual([
      { period: '2026-11', used_seconds: -600, used_cost: -5, reason: 'ended_sooner' },
    ]);
    expect(await test.store.read('ann', '2026-11')).toMatchObject({ settledSeconds: 60, settledCost: 500_000n });
  });
});

describe('what a session has cost', () => {
  it('is rounded by our own rules where the vendor names no credits', async () => {
    await using test = await createVendorBooks();
    await test.database.query(`INSERT INTO prices VALUES ('simulator', 'FULL', 'USD', '2026-11-01Z', 0.30, 60, 180)`);
    const short = await test.startSession('ann');
    const long = await test.startSession('bob');
    answerWithLists(test, [], [historyEntry(short.avatarSessionId, 61), historyEntry(long.avatarSessionId, 181.2)]);

    await test.reconcile({}, 'months');

    expect(await test.record(short)).toMatchObject({ actual_seconds: 61, actual_cost: '0.900000' });
    expect(await test.record(long)).toMatchObject({ actual_seconds: 182, actual_cost: '1.200000' });

    function historyEntry(id: string, duration: number) {
      return { id, created_at: '2026-11-10T11:00:00Z', end_at: '2026-11-10T12:00:00Z', duration, mode: 'FULL' };
    }
  });

  it('is nothing in the sandbox, whatever the price of other modes', async () => {
    await using test = await createVendorBooks();
    const session = await test.startSession();
    const entry = {
      created_at: '2026-11-10T11:00:00Z',
      end_at: '2026-11-10T12:00:00Z',
      is_sandbox: true,
      mode: 'FULL',
    };
    answerWithLists(test, [], [{ id: session.avatarSessionId, duration: 60, credits_consumed: 0, ...entry }]);

    await test.reconcile({}, 'months');

    expect(await test.record(session)).toMatchObject({
      actual_seconds: 60,
      actual_cost: '0.000000',
      vendor_mode: 'SANDBOX',
    });
  });

  it('is priced as what was asked for where the vendor names a mode without a price', async () => {
    await using test = await createVendorBooks({ priceIsSet: false });
    const session = await test.startSession();
    await test.database.query(`UPDATE avatar_usage_records SET vendor = 'liveavatar', fallback_price = NULL`);
    const entry = { created_at: '2026-11-10T11:00:00Z', end_at: '2026-11-10T12:00:00Z', mode: 'NEW', duration: 61 };
    answerWithLists(test, [], [{ id: session.avatarSessionId, credits_consumed: 2, ...entry }]);
    const options = { pool: test.pool, policy: test.policy, clock: test.clock.now };
    const books = createReconciliation({ ...options, vendor: { name: 'liveavatar', remembersFrom: null } });

    await test.reconcile({ books }, 'months');

    expect(await test.record(session)).toMatchObject({ vendor_mode: 'FULL', actual_cost: '0.400000' });
  });

  it('follows the dated prices second by second, for the seconds that the credits pay for', async () => {
    await using test = await createVendorBooks();
    await test.database.query(`INSERT INTO prices VALUES
      ('simulator', 'FULL', 'USD', '2026-11-01Z', 0.20, 60, 60), ('simulator', 'FULL', 'USD', '2026-11-10 12:01Z', 0.40, 60, 60)`);
    const session = await test.startSession();
    test.clock.advance(90);
    await test.stopAtVendor(session);
    await test.reportEnd(session);

    await test.reconcile();

    expect(await test.record(session)).toMatchObject({ estimated_cost: '0.600000', actual_cost: '0.600000' });
    expect(await test.corrections()).toEqual([]);
  });
});

describe('a session over the end of its month', () => {
  it('is corrected in the month in which it ended sooner', async () => {
    await using test = await createVendorBooks();
    test.clock.set('2026-11-30T23:58:00Z');
    const session = await test.startSession();
    test.clock.advance(60);
    await test.stopAtVendor(session);
    test.clock.set('2026-12-01T00:01:00Z');
    await test.reportEnd(session);
    expect(await test.store.read('ann', '2026-12')).toMatchObject({ settledSeconds: 60 });

    await test.reconcile();

    expect(await test.corrections()).toEqual([
      { period: '2026-11', used_seconds: -60, used_cost: -0.5, reason: 'ended_sooner' },
      { period: '2026-12', used_seconds: -60, used_cost: -0.5, reason: 'ended_sooner' },
    ]);
    expect(await test.store.read('ann', '2026-11')).toMatchObject({ settledSeconds: 60, settledCost: 500_000n });
    expect(await test.store.read('ann', '2026-12')).toMatchObject({ settledSeconds: 0, settledCost: 0n });
  });

  it('is booked in the next month too where it ran on into it, which has no quota yet', async () => {
    // with a ceiling of the account, whose budgets are audited too
    await using test = await createVendorBooks({ accountLimitCost: 100_000_000n });
    test.clock.set('2026-11-30T23:58:00Z');
    const session = await test.startSession();
    test.clock.advance(60);
    await test.reportEnd(session);
    test.clock.set('2026-12-01T00:01:30Z');
    await test.stopAtVendor(session);

    await test.reconcile();

    expect(await test.record(session)).toMatchObject({
      billing_period: '2026-11',
      quota_period: '2026-12',
      settled_seconds: 120,
      actual_seconds: 210,
      actual_cost: '2.000000',
    });
    expect(await test.store.read('ann', '2026-11')).toMatchObject({ settledSeconds: 120, settledCost: 1_000_000n });
    // the minute that had begun
    expect(await test.store.read('ann', '2026-12')).toMatchObject({ settledSeconds: 90, settledCost: 1_000_000n });
  });
});

it('the audit finds a figure of the vendor that is not in the ledger', async () => {
  await using test = await createVendorBooks();
  const session = await test.startSession();
  test.clock.advance(60);
  await test.stopAtVendor(session);
  await test.reportEnd(session);
  await test.reconcile();
  const forge = (seconds: number, cost: string) =>
    test.database.query('UPDATE avatar_usage_records SET actual_seconds = $1, actual_cost = $2', [seconds, cost]);

  await forge(59, '0.49');

  expect((await auditBooks(test.pool)).map(({ what, quota, recomputed }) => [what, quota, recomputed])).toEqual([
    ['used cost, by the records', '0.5', '0.49'],
    ['used seconds, by the records', '60', '59'],
  ]);
  await forge(60, '0.5');
});
