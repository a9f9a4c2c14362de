import { describe, expect, it } from 'vitest';
import { confirmStops, dueWork, sweepAll } from '../../support/due-work.ts';
import { createVendorBooks, type VendorBooks, type VendorToken } from '../../support/vendor-books.ts';

// What one side knows of a session and the other does not.

describe('a session that the vendor has ended, and that runs for us', () => {
  it('ends when it ended there, for that reason, and no stop is queued', async () => {
    await using test = await createVendorBooks();
    const session = await test.startSession();
    test.clock.advance(60);
    test.simulator.vanish(session.avatarSessionId);
    test.clock.advance(600);

    expect(await test.reconcile()).toMatchObject({ corrected: 1 });

    expect(await test.record(session)).toMatchObject({
      status: 'completed',
      end_reason: 'vendor_ended',
      session_ended_at: new Date('2026-11-10T12:04:30Z'),
      duration_seconds: 270,
      actual_seconds: 270,
      vendor_end_reason: 'ZOMBIE_SESSION_REAP',
    });
    expect(await test.store.read('ann', '2026-11')).toMatchObject({ reservedSeconds: 0, settledSeconds: 270 });
    expect(await dueWork(test).claimStops('all')).toEqual([]);
  });

  it('is left alone while the vendor streams it', async () => {
    await using test = await createVendorBooks();
    const session = await test.startSession();
    test.clock.advance(200);
    const before = await test.record(session);

    expect(await test.reconcile()).toMatchObject({ running: 1 });

    expect(await test.record(session)).toEqual(before);
  });
});

describe('a token whose start nobody has reported', () => {
  it('starts when the vendor says that it did, with its deadline from there', async () => {
    await using test = await createVendorBooks();
    const token = await test.createToken();
    test.clock.advance(20);
    await test.startAtVendor(token);
    test.clock.advance(100);

    expect(await test.reconcile()).toMatchObject({ started: 1 });

    expect(await test.record(token)).toMatchObject({
      status: 'active',
      session_started_at: new Date('2026-11-10T12:00:20Z'),
      expires_at: new Date('2026-11-10T12:30:20Z'),
    });
    expect(await test.store.read('ann', '2026-11')).toMatchObject({ sessionCount: 1 });
    await expect(test.reportStart(token)).resolves.toMatchObject({ outcome: 'already_started' });
    await test.stopAtVendor(token);
    await test.reportEnd(token);
    expect(await test.reconcile()).toMatchObject({ corrected: 1 });
    expect(await test.record(token)).toMatchObject({ duration_seconds: 100, actual_seconds: 100 });
  });

  it('is stopped where its time to live was over before the vendor started it', async () => {
    await using test = await createVendorBooks();
    const token = await test.createToken();
    test.clock.advance(301);
    await test.startAtVendor(token);

    expect(await test.reconcile()).toMatchObject({ stopped: 1 });

    expect(await test.record(token)).toMatchObject({ status: 'expired', end_reason: 'token_expired' });
    expect(await dueWork(test).claimStops('all')).toMatchObject([{ avatarSessionId: token.avatarSessionId }]);
  });

  it('becomes the session that it was, if that has ended already', async () => {
    await using test = await createVendorBooks();
    const token = await test.createToken();
    await useAtVendor(test, token, 10, 90);

    expect(await test.reconcile()).toMatchObject({ corrected: 1 });

    expect(await test.record(token)).toMatchObject({
      status: 'completed',
      end_reason: 'vendor_ended',
      session_started_at: new Date('2026-11-10T12:00:10Z'),
      session_ended_at: new Date('2026-11-10T12:01:40Z'),
      duration_seconds: 0,
      estimated_cost: '0.000000',
      actual_seconds: 90,
      actual_cost: '1.000000',
    });
    expect(await test.corrections()).toMatchObject([{ used_seconds: 90, used_cost: 1, reason: 'unreported_use' }]);
    expect(await test.store.read('ann', '2026-11')).toMatchObject({
      reservedSeconds: 0,
      settledSeconds: 90,
      sessionCount: 1,
    });
  });

  it('starts in the new month if the token was moved there from the old one', async () => {
    await using test = await createVendorBooks();
    test.clock.set('2026-11-30T23:59:00Z');
    const token = await test.createToken();
    await test.startAtVendor(token);
    test.clock.set('2026-12-01T00:00:10Z');
    await sweepAll(test);

    expect(await test.reconcile()).toMatchObject({ started: 1 });

    expect(await test.record(token)).toMatchObject({
      billing_period: '2026-12',
      session_started_at: new Date('2026-12-01T00:00:00Z'),
    });
  });
});

describe('a voided token', () => {
  it('is charged what the vendor says that it has spent all the same', async () => {
    await using test = await createVendorBooks();
    const voided = await test.createToken();
    test.clock.advance(5);
    await test.startAtVendor(voided);
    await test.createToken();
    expect(await test.record(voided)).toMatchObject({ status: 'expired' });
    test.clock.advance(90);
    await test.stopAtVendor(voided);

    expect(await test.reconcile()).toMatchObject({ corrected: 1 });

    expect(await test.record(voided)).toMatchObject({
      status: 'completed',
      end_reason: 'superseded',
      session_started_at: new Date('2026-11-10T12:00:05Z'),
      actual_seconds: 90,
      actual_cost: '1.000000',
    });
    expect(await test.store.read('ann', '2026-11')).toMatchObject({ settledCost: 1_000_000n, sessionCount: 1 });
  });

  it('is charged in the month in which it was used', async () => {
    await using test = await createVendorBooks();
    test.clock.set('2026-11-30T23:57:00Z');
    const voided = await test.createToken();
    test.clock.set('2026-12-01T00:02:01Z');
    await sweepAll(test);
    await useAtVendor(test, voided, 60, 30);

    await test.reconcile();

    expect(await test.corrections()).toEqual([
      { period: '2026-12', used_seconds: 30, used_cost: 0.5, reason: 'unreported_use' },
    ]);
    expect(await test.record(voided)).toMatchObject({ billing_period: '2026-12', quota_period: '2026-12' });
    expect(await test.store.read('ann', '2026-11')).toMatchObject({ sessionCount: 0 });
  });

  it('was never started where the vendor does not know it ten minutes later, and costs nothing', async () => {
    await using test = await createVendorBooks();
    const voided = await test.createToken();
    test.clock.advance(300);
    await sweepAll(test);
    test.clock.advance(599);
    expect(await test.reconcile()).toMatchObject({ confirmed: 0 });
    test.clock.advance(1);
    const { version } = await test.store.read('ann', '2026-11');

    expect(await test.reconcile()).toMatchObject({ confirmed: 1, corrected: 0 });

    expect(await test.record(voided)).toMatchObject({
      status: 'expired',
      actual_seconds: 0,
      actual_cost: '0.000000',
      vendor_end_reason: null,
      reconciled_at: test.clock.now(),
    });
    expect(await test.store.read('ann', '2026-11')).toMatchObject({ version, settledSeconds: 0 });
  });

  it('is charged even if it is used after that, and stopped when that is seen', async () => {
    await using test = await createVendorBooks();
    const voided = await test.createToken();
    const other = await test.createToken('bob');
    test.clock.advance(300);
    await sweepAll(test);
    await confirmStops(test);
    test.clock.advance(600);
    expect(await test.reconcile()).toMatchObject({ confirmed: 2 });

    test.clock.advance(60);
    await test.startAtVendor(voided);
    await useAtVendor(test, other, 0, 30);
    expect(await test.reconcile()).toMatchObject({ stopped: 1, corrected: 1 });
    expect(await dueWork(test).claimStops('due')).toMatchObject([{ avatarSessionId: voided.avatarSessionId }]);
    test.clock.advance(30);
    await test.stopAtVendor(voided);
    expect(await test.reconcile()).toMatchObject({ corrected: 1 });

    expect(await test.record(voided)).toMatchObject({ actual_seconds: 60, actual_cost: '0.500000' });
    expect(await test.record(other)).toMatchObject({ actual_seconds: 30, actual_cost: '0.500000' });
  });
});

describe('a session that has ended here and is running at the vendor', () => {
  it('is stopped once more, also when the vendor had confirmed it', async () => {
    await using test = await createVendorBooks();
    const session = await test.startSession();
    test.clock.advance(10);
    await test.reportEnd(session);
    const work = dueWork(test);
    await confirmStops(test);
    test.clock.advance(60);

    expect(await test.reconcile()).toMatchObject({ stopped: 1 });

    expect(await work.claimStops('due')).toMatchObject([{ avatarSessionId: session.avatarSessionId, attempts: 1 }]);
    expect(await test.record(session)).toMatchObject({ reconciled_at: null });
  });

  it('is left to the stop that is pending', async () => {
    await using test = await createVendorBooks();
    const session = await test.startSession();
    test.clock.advance(10);
    await test.reportEnd(session);
    await dueWork(test).claimStops('all');
    const before = await test.database.query('SELECT * FROM vendor_stops');

    expect(await test.reconcile()).toMatchObject({ stopped: 1 });

    expect(await test.database.query('SELECT * FROM vendor_stops')).toEqual(before);
  });
});

describe('a session that the vendor does not know', () => {
  it('is given back to its user ten minutes after its end', async () => {
    await using test = await createVendorBooks();
    const token = await test.createToken();
    await test.reportStart(token);
    test.clock.advance(120);
    await test.reportEnd(token);
    test.clock.advance(600);

    expect(await test.reconcile()).toMatchObject({ corrected: 1 });

    expect(await test.corrections()).toEqual([
      { period: '2026-11', used_seconds: -120, used_cost: -1, reason: 'never_started' },
    ]);
    expect(await test.record(token)).toMatchObject({ duration_seconds: 120, actual_seconds: 0 });
  });

  it('goes on for us while it is open', async () => {
    await using test = await createVendorBooks();
    const token = await test.createToken();
    await test.reportStart(token);
    test.clock.advance(900);

    await test.reconcile();

    expect(await test.record(token)).toMatchObject({ status: 'active', reconciled_at: null });
  });

  it('stays as it is where the vendor has forgotten it', async () => {
    await using test = await createVendorBooks();
    const token = await test.createToken();
    await test.reportStart(token);
    test.clock.advance(120);
    await test.reportEnd(token);
    test.clock.advance(600);

    await test.reconcileWithMemoryFrom(test.clock.now());

    expect(await test.record(token)).toMatchObject({ actual_seconds: null, reconciled_at: null });
    expect(await test.corrections()).toEqual([]);
  });
});

describe('what spends past us', () => {
  it('is listed with its cost, while it runs and when it has ended', async () => {
    await using test = await createVendorBooks();
    const embed = test.simulator.embed('FULL');
    test.clock.advance(90);

    expect(await test.reconcile()).toMatchObject({ unattributed: 1 });
    expect(await unattributed(test)).toMatchObject([
      { avatar_session_id: embed, source: 'EMBED', mode: 'FULL', ended_at: null, seconds: 90, cost: '1.000000' },
    ]);

    test.clock.advance(60);
    await test.vendor.stop(embed, 'user_ended');
    await test.reconcile();
    const ended = await unattributed(test);
    expect(ended).toMatchObject([
      {
        avatar_session_id: embed,
        period: '2026-11',
        started_at: new Date('2026-11-10T12:00:00Z'),
        ended_at: new Date('2026-11-10T12:02:30Z'),
        seconds: 150,
        cost: '1.500000',
        currency: 'USD',
        end_reason: 'USER_CLOSED',
      },
    ]);
    test.clock.advance(300);
    await test.reconcile();
    expect(await unattributed(test)).toEqual(ended);
  });

  it('is let go when a user’s token turns out to explain it', async () => {
    await using test = await createVendorBooks();
    const hidden = await test.createToken();
    await test.database.query('UPDATE avatar_usage_records SET avatar_session_id = NULL');
    await test.startAtVendor(hidden);
    expect(await test.reconcile()).toMatchObject({ unattributed: 1 });

    await test.reportStart(hidden);
    expect(await test.reconcile()).toMatchObject({ unattributed: 0, running: 1 });

    expect(await unattributed(test)).toEqual([]);
  });

  it('is asked for by its id where the lists have lost it, and ends when it was seen last where the vendor has', async () => {
    await using test = await createVendorBooks();
    test.simulator.embed('FULL');
    await test.reconcile();
    await test.database.query(`UPDATE unattributed_sessions SET avatar_session_id = 'of another life'`);
    const seenAt = test.clock.now();
    test.clock.advance(60);

    await test.reconcile();

    expect(await test.database.query('SELECT ended_at FROM unattributed_sessions ORDER BY ended_at')).toEqual([
      { ended_at: seenAt },
      { ended_at: null },
    ]);
  });
});

function unattributed(test: VendorBooks) {
  return test.database.query('SELECT * FROM unattributed_sessions');
}

/** The browser streams without telling us: from so many seconds on, for so many. */
async function useAtVendor(test: VendorBooks, token: VendorToken, after: number, seconds: number): Promise<void> {
  test.clock.advance(after);
  await test.startAtVendor(token);
  test.clock.advance(seconds);
  await test.stopAtVendor(token);
}
