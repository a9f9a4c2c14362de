import { describe, expect, it } from 'vitest';
import { answerWithLists, createVendorBooks, type VendorBooks, type VendorToken } from '../../support/vendor-books.ts';

// The policy's price: 0.50 a minute. The vendor takes two credits a minute, and corrects its own records afterwards.

describe('figures that the vendor changes after they were booked', () => {
  it('are booked as the difference, once', async () => {
    await using test = await createVendorBooks();
    const session = await booked(test, 120);
    test.clock.advance(2 * 24 * 60 * 60);

    answerWithLists(test, [], [entry(session, { duration: 150, credits_consumed: 6 })]);
    expect(await test.reconcile()).toMatchObject({ corrected: 1 });
    answerWithLists(test, [], [entry(session, { duration: 150, credits_consumed: 6 })]);
    expect(await test.reconcile()).toMatchObject({ corrected: 0, confirmed: 0, known: 1 });

    expect(await test.record(session)).toMatchObject({ duration_seconds: 120, actual_seconds: 150 });
    expect(await test.corrections()).toEqual([
      { period: '2026-11', used_seconds: 30, used_cost: 0.5, reason: 'ran_longer' },
    ]);
    expect(await test.store.read('ann', '2026-11')).toMatchObject({ settledSeconds: 150, settledCost: 1_500_000n });
  });

  it('are the same whether a credit is written as 4 or as 4.00, and whatever price was entered since', async () => {
    await using test = await createVendorBooks();
    const session = await booked(test, 120);
    await test.database.query(`INSERT INTO prices VALUES ('simulator', 'FULL', 'USD', '2026-11-01Z', 9, 60, 60)`);
    const before = await test.record(session);

    answerWithLists(test, [], [entry(session, { duration: 119.5, credits_consumed: '4.00' })]);
    expect(await test.reconcile()).toMatchObject({ known: 1 });

    expect(await test.record(session)).toEqual(before);
  });

  it('of a session that no token explains replace what was noted', async () => {
    await using test = await createVendorBooks();
    const embed = { avatarSessionId: 'embed' };
    answerWithLists(test, [], [entry(embed, { duration: 120, credits_consumed: 4 })]);
    await test.reconcile();
    const noted = () => test.database.query('SELECT seconds, cost, seen_at FROM unattributed_sessions');
    expect(await noted()).toMatchObject([{ seconds: 120, cost: '1.000000' }]);
    const seenAt = test.clock.now();

    test.clock.advance(300);
    answerWithLists(test, [], [entry(embed, { duration: 120, credits_consumed: 4 })]);
    await test.reconcile();
    expect(await noted()).toMatchObject([{ seen_at: seenAt }]);

    answerWithLists(test, [], [entry(embed, { duration: 120, credits_consumed: -1 })]);
    await test.reconcile();
    expect(await noted()).toMatchObject([{ seconds: 120, cost: '-0.250000' }]);
  });
});

describe('a refund', () => {
  it('lowers the cost and leaves the seconds', async () => {
    await using test = await createVendorBooks();
    const session = await booked(test, 120);

    answerWithLists(test, [], [entry(session, { duration: 120, credits_consumed: 1 })]);
    expect(await test.reconcile()).toMatchObject({ corrected: 1 });

    expect(await test.corrections()).toEqual([
      { period: '2026-11', used_seconds: 0, used_cost: -0.75, reason: 'refunded' },
    ]);
    expect(await test.store.read('ann', '2026-11')).toMatchObject({ settledSeconds: 120, settledCost: 250_000n });
  });

  it('of more than the session took leaves it free, and the user’s other sessions at their cost', async () => {
    await using test = await createVendorBooks();
    await booked(test, 60);
    const session = await booked(test, 120);

    answerWithLists(test, [], [entry(session, { duration: 120, credits_consumed: -2 })]);
    expect(await test.reconcile()).toMatchObject({ corrected: 1, failed: 0 });

    expect(await test.corrections()).toEqual([
      { period: '2026-11', used_seconds: 0, used_cost: -1, reason: 'refunded' },
    ]);
    expect(await test.store.read('ann', '2026-11')).toMatchObject({ settledSeconds: 180, settledCost: 500_000n });
  });

  it('that is there at the first comparison is booked at once', async () => {
    await using test = await createVendorBooks();
    const session = await endedSession(test, 120);

    answerWithLists(test, [], [entry(session, { duration: 120, credits_consumed: -4 })]);
    expect(await test.reconcile()).toMatchObject({ corrected: 1 });

    expect(await test.record(session)).toMatchObject({ actual_seconds: 120, actual_cost: '0.000000' });
    expect(await test.corrections()).toMatchObject([{ used_seconds: 0, used_cost: -1, reason: 'refunded' }]);
  });

  it('of a session over the end of a month makes neither month’s use negative', async () => {
    await using test = await createVendorBooks({ accountLimitCost: 100_000_000n });
    test.clock.set('2026-11-30T23:59:00Z');
    const session = await booked(test, 180);
    const ends = { created_at: '2026-11-30T23:59:00Z', end_at: '2026-12-01T00:02:00Z' };

    answerWithLists(test, [], [entry(session, { ...ends, duration: 180, credits_consumed: 1 })]);
    await test.reconcile();
    answerWithLists(test, [], [entry(session, { ...ends, duration: 180, credits_consumed: -3 })]);
    await test.reconcile();

    expect(await test.store.read('ann', '2026-11')).toMatchObject({ settledSeconds: 60, settledCost: 0n });
    expect(await test.store.read('ann', '2026-12')).toMatchObject({ settledSeconds: 120, settledCost: 0n });
  });
});

describe('a token that the vendor lists before its start', () => {
  it.each(['active', 'ended'] as const)(
    'stays unused on the list of %s sessions, and expires in its time',
    async (list) => {
      await using test = await createVendorBooks();
      const token = await test.createToken();
      const before = await test.record(token);
      const unused = { id: token.avatarSessionId, created_at: '2026-11-10T12:00:00Z', duration: 0, mode: 'FULL' };
      test.clock.advance(60);
      answerWithLists(test, list === 'active' ? [unused] : [], list === 'ended' ? [unused] : []);

      expect(await test.reconcile()).toMatchObject({ unused: 1, started: 0 });

      expect(await test.record(token)).toEqual(before);
      expect(await test.store.read('ann', '2026-11')).toMatchObject({ sessionCount: 0, reservedSeconds: 1800 });
    },
  );

  it('ends where the vendor names its end', async () => {
    await using test = await createVendorBooks();
    const token = await test.createToken();
    answerWithLists(test, [], [entry(token, { duration: 0, credits_consumed: 0, end_reason: 'DISPATCH_FAILED' })]);

    expect(await test.reconcile()).toMatchObject({ confirmed: 1 });

    expect(await test.record(token)).toMatchObject({ status: 'expired', actual_seconds: 0 });
  });

  it('starts when it shows use, be it in credits alone', async () => {
    await using test = await createVendorBooks();
    const token = await test.createToken();
    const credits = { id: token.avatarSessionId, created_at: '2026-11-10T12:00:00Z', duration: 0, credits_consumed: 2 };
    answerWithLists(test, [credits], []);

    expect(await test.reconcile()).toMatchObject({ started: 1 });
  });

  it('of another key is no unattributed session', async () => {
    await using test = await createVendorBooks();
    answerWithLists(test, [{ id: 'other', created_at: '2026-11-10T12:00:00Z', duration: 0 }], []);

    expect(await test.reconcile()).toMatchObject({ unused: 1, unattributed: 0 });
  });

  it('was never started where it has expired, although the vendor still lists it', async () => {
    await using test = await createVendorBooks();
    const token = await test.createToken();
    await test.reportStart(token);
    test.clock.advance(60);
    await test.reportEnd(token);
    test.clock.advance(600);
    const unused = { id: token.avatarSessionId, created_at: '2026-11-10T12:00:00Z', duration: 0 };
    answerWithLists(test, [unused], []);
    const path = `/v1/sessions/${token.avatarSessionId}`;
    test.simulator.failNext({ path, status: 200, body: { code: 1000, data: unused } });

    expect(await test.reconcile()).toMatchObject({ unused: 1, corrected: 1 });

    expect(await test.corrections()).toMatchObject([{ used_seconds: -60, reason: 'never_started' }]);
  });
});

/** A session of so many seconds that has ended on both sides. */
async function endedSession(test: VendorBooks, seconds: number): Promise<VendorToken> {
  const session = await test.startSession();
  test.clock.advance(seconds);
  await test.stopAtVendor(session);
  await test.reportEnd(session);
  return session;
}

/** The same, compared once: the vendor agrees. */
async function booked(test: VendorBooks, seconds: number): Promise<VendorToken> {
  const session = await endedSession(test, seconds);
  expect(await test.reconcile()).toMatchObject({ confirmed: 1 });
  return session;
}

function entry({ avatarSessionId: id }: Pick<VendorToken, 'avatarSessionId'>, figures: object): object {
  return { id, created_at: '2026-11-10T12:00:00Z', end_at: '2026-11-10T12:02:00Z', mode: 'FULL', ...figures };
}
