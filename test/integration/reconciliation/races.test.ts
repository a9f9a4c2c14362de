import { describe, expect, it } from 'vitest';
import { ALWAYS, dueWork } from '../../support/due-work.ts';
import { type HeldLock, holdLock } from '../../support/lock.ts';
import { createVendorBooks, type VendorBooks, type VendorToken } from '../../support/vendor-books.ts';
import { waitForBlocked } from '../../support/wait-for.ts';

// The reconciler against what happens at that moment. Each race is held at the lock of the user's quota until both sides
// are under way, once in either order. The first to wait is served first. Whoever wins, the session is settled once and
// charged what the vendor says: 60 seconds, one minute.

const CHARGED = { settledSeconds: 60, settledCost: 500_000n, reservedSeconds: 0 };

describe('the reconciler and trackEnd', () => {
  it('settle once when the end comes first', async () => {
    await using test = await createVendorBooks();
    const session = await endedAtVendor(test);
    await using lock = await lockQuota(test);

    const ended = test.reportEnd(session);
    await waitForBlocked(test.pool);
    const compared = test.reconcile();
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await expect(ended).resolves.toMatchObject({ outcome: 'ended' });
    expect(await compared).toMatchObject({ corrected: 1 });
    expect(await test.record(session)).toMatchObject({ end_reason: 'user_ended', duration_seconds: 90 });
    expect(await test.store.read('ann', '2026-11')).toMatchObject(CHARGED);
    expect(await settlements(test)).toBe(1);
  });

  it('settle once when the comparison comes first', async () => {
    await using test = await createVendorBooks();
    const session = await endedAtVendor(test);
    await using lock = await lockQuota(test);

    const compared = test.reconcile();
    await waitForBlocked(test.pool);
    const ended = test.reportEnd(session);
    await waitForBlocked(test.pool, 2);
    await lock.release();

    expect(await compared).toMatchObject({ confirmed: 1 });
    await expect(ended).resolves.toMatchObject({ outcome: 'already_ended' });
    expect(await test.record(session)).toMatchObject({ end_reason: 'vendor_ended', duration_seconds: 60 });
    expect(await test.store.read('ann', '2026-11')).toMatchObject(CHARGED);
    expect(await settlements(test)).toBe(1);
  });
});

describe('the reconciler and the deadline', () => {
  it('settle once when the sweeper comes first', async () => {
    await using test = await createVendorBooks();
    const session = await endedAtVendor(test);
    test.clock.advance(1800);
    await using lock = await holdLock(test.pool, 'SELECT FROM avatar_usage_records FOR UPDATE');

    const swept = dueWork(test).sweep(ALWAYS);
    await waitForBlocked(test.pool);
    const compared = test.reconcile();
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await expect(swept).resolves.toBe(1);
    expect(await compared).toMatchObject({ corrected: 1 });
    expect(await test.record(session)).toMatchObject({ end_reason: 'deadline_reached', duration_seconds: 1800 });
    expect(await test.store.read('ann', '2026-11')).toMatchObject(CHARGED);
    expect(await settlements(test)).toBe(1);
  });

  it('settle once when the comparison comes first', async () => {
    await using test = await createVendorBooks();
    const session = await endedAtVendor(test);
    test.clock.advance(1800);
    await using lock = await lockQuota(test);

    const compared = test.reconcile();
    await waitForBlocked(test.pool);
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    await lock.release();

    expect(await compared).toMatchObject({ confirmed: 1 });
    await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
    expect(await test.record(session)).toMatchObject({ end_reason: 'vendor_ended', duration_seconds: 60 });
    expect(await test.store.read('ann', '2026-11')).toMatchObject(CHARGED);
  });
});

describe('two comparisons at once', () => {
  it('book the figures once', async () => {
    await using test = await createVendorBooks();
    const session = await endedAtVendor(test);
    await test.reportEnd(session);
    await using lock = await lockQuota(test);

    const runs = [test.reconcile(), test.reconcileOnAnotherNode()];
    await waitForBlocked(test.pool, 2);
    await lock.release();

    const corrected = (await Promise.all(runs)).map((summary) => summary.corrected);
    expect(corrected.sort()).toEqual([0, 1]);
    expect(await test.corrections()).toMatchObject([{ used_seconds: -30, reason: 'ended_sooner' }]);
    expect(await test.store.read('ann', '2026-11')).toMatchObject(CHARGED);
  });

  it('end once what is open', async () => {
    await using test = await createVendorBooks();
    await endedAtVendor(test);
    await using lock = await lockQuota(test);

    const runs = [test.reconcile(), test.reconcileOnAnotherNode()];
    await waitForBlocked(test.pool, 2);
    await lock.release();

    await Promise.all(runs);
    expect(await test.store.read('ann', '2026-11')).toMatchObject(CHARGED);
    expect(await settlements(test)).toBe(1);
  });

  it('start an unreported token once, also against trackStart', async () => {
    await using test = await createVendorBooks();
    const token = await test.createToken();
    await test.startAtVendor(token);
    test.clock.advance(60);
    await using lock = await lockQuota(test);

    const runs = [test.reconcile(), test.reconcileOnAnotherNode()];
    await waitForBlocked(test.pool, 2);
    const reported = test.reportStart(token);
    await waitForBlocked(test.pool, 3);
    await lock.release();

    expect((await Promise.all(runs)).map((summary) => summary.started).sort()).toEqual([0, 1]);
    await expect(reported).resolves.toMatchObject({ outcome: 'already_started' });
    expect(await test.store.read('ann', '2026-11')).toMatchObject({ sessionCount: 1, reservedSeconds: 1800 });
  });
});

it('a start by the vendor’s word and the end of the token’s time to live leave one of the two', async () => {
  await using test = await createVendorBooks();
  const token = await test.createToken();
  test.clock.advance(290);
  await test.startAtVendor(token);
  test.clock.advance(20);
  await using lock = await lockQuota(test);

  const compared = test.reconcile();
  await waitForBlocked(test.pool);
  await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
  await lock.release();

  expect(await compared).toMatchObject({ started: 1 });
  await dueWork(test).sweep(ALWAYS);
  expect(await test.record(token)).toMatchObject({ status: 'active' });
});

/** A session of a minute at the vendor that has run for us for a minute and a half, and still does. */
async function endedAtVendor(test: VendorBooks): Promise<VendorToken> {
  const session = await test.startSession();
  test.clock.advance(60);
  await test.stopAtVendor(session);
  test.clock.advance(30);
  return session;
}

function lockQuota(test: VendorBooks): Promise<HeldLock> {
  return holdLock(test.pool, 'SELECT FROM usage_quotas FOR UPDATE');
}

async function settlements(test: VendorBooks): Promise<number> {
  return (await test.database.query(`SELECT FROM quota_ledger WHERE entry = 'settle'`)).length;
}
