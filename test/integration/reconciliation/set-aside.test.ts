import { describe, expect, it } from 'vitest';
import { formatReport } from '../../../scripts/reconciliation-report.ts';
import { createPrisma } from '../../../src/database/prisma.ts';
import { readReconciliationReport } from '../../../src/database/reconciliation-report.ts';
import { answerWithLists, createVendorBooks, type VendorBooks, type VendorToken } from '../../support/vendor-books.ts';

// A session that cannot be booked is set aside, and all the others are booked.

describe('a session that the database refuses', () => {
  it('is set aside with its reason, also among others of its user, and is booked when it can be', async () => {
    await using test = await createVendorBooks({
      maxConcurrentSessions: 3,
      defaultLimitMinutes: 600,
      defaultLimitCost: 500_000_000n,
    });
    const anns = [await ended(test, 'ann'), await ended(test, 'ann'), await ended(test, 'ann')];
    const bobs = await ended(test, 'bob');
    await refuse(test, anns[1] as VendorToken);

    expect(await test.reconcile()).toMatchObject({ corrected: 3, failed: 1 });

    for (const session of [anns[0], anns[2], bobs]) {
      expect(await test.record(session as VendorToken)).toMatchObject({ actual_seconds: 30 });
    }
    expect(await test.reconcile()).toMatchObject({ known: 3, failed: 1 });
    expect(await setAside(test)).toEqual([
      {
        avatar_session_id: anns[1]?.avatarSessionId,
        problem: expect.stringContaining('violates check constraint "of_the_test"'),
        failures: 2,
        failing_since: test.clock.now(),
      },
    ]);
    const report = formatReport(await readReconciliationReport(test.pool, createPrisma(test.pool), '2026-11'), 'USD');
    expect(report).toContain('Sessions that could not be compared, tried again at every run: 1');
    expect(report).toContain(`simulator ${anns[1]?.avatarSessionId}`);

    await test.database.query('ALTER TABLE avatar_usage_records DROP CONSTRAINT of_the_test');
    expect(await test.reconcile()).toMatchObject({ corrected: 1, failed: 0 });
    expect(await setAside(test)).toEqual([]);
  });

  it('is asked for by its ID once the lists no longer show it', async () => {
    await using test = await createVendorBooks();
    const session = await ended(test, 'ann');
    await refuse(test, session);
    await test.reconcile();
    await test.database.query('ALTER TABLE avatar_usage_records DROP CONSTRAINT of_the_test');
    answerWithLists(test, [], []);

    expect(await test.reconcile()).toMatchObject({ corrected: 1 });
  });

  it('fails no other call of its user', async () => {
    await using test = await createVendorBooks({ maxConcurrentSessions: 2 });
    const session = await ended(test, 'ann');
    await refuse(test, session);

    const [run, token] = await Promise.all([test.reconcile(), test.createToken('ann')]);

    expect(run).toMatchObject({ failed: 1 });
    expect(await test.record(token)).toMatchObject({ status: 'reserved' });
  });
});

describe.each([
  ['a duration that no session has', { duration: 1e12 }],
  ['a duration below nothing', { duration: -5 }],
  ['credits beyond all bounds', { credits_consumed: '9'.repeat(400) }],
  ['a date of another age', { end_at: '0001-01-01T00:00:00Z' }],
  ['a date that is none', { created_at: 'yesterday' }],
  ['an ID that cannot be stored', { id: 'a\0b' }],
  ['an ID of great length', { id: 'x'.repeat(3000) }],
  ['no duration', { duration: undefined }],
])('an entry with %s', (_name, wrong) => {
  it('holds up no other on its page, and is reported', async () => {
    await using test = await createVendorBooks();
    const bad = await ended(test, 'ann');
    const good = await ended(test, 'bob');
    answerWithLists(test, [], [{ ...entry(bad), ...wrong }, entry(good)]);

    expect(await test.reconcile()).toMatchObject({ corrected: 1, failed: 1 });

    expect(await test.record(good)).toMatchObject({ actual_seconds: 30 });
    expect(await setAside(test)).toHaveLength(1);
    await test.reconcile();
    expect(await test.record(bad)).toMatchObject({ actual_seconds: 30 });
    expect(await setAside(test)).toEqual([]);
  });
});

it('an unattributed session that cannot be stored holds up no other', async () => {
  await using test = await createVendorBooks();
  await test.database.query(
    `ALTER TABLE unattributed_sessions ADD CONSTRAINT of_the_test CHECK (avatar_session_id <> 'bad')`,
  );
  const embed = { ...entry({ avatarSessionId: 'bad' }), source: 'EMBED' };
  answerWithLists(test, [], [embed, { ...embed, id: 'good' }]);

  expect(await test.reconcile()).toMatchObject({ unattributed: 1, failed: 1 });

  expect(await test.database.query('SELECT avatar_session_id FROM unattributed_sessions')).toEqual([
    { avatar_session_id: 'good' },
  ]);
});

/** A session of half a minute that has ended on both sides. */
async function ended(test: VendorBooks, userId: string): Promise<VendorToken> {
  const session = await test.startSession(userId);
  test.clock.advance(30);
  await test.stopAtVendor(session);
  await test.reportEnd(session);
  return session;
}

/** The database takes no figures of this session. */
async function refuse(test: VendorBooks, { recordId }: VendorToken): Promise<void> {
  await test.database.query(
    `ALTER TABLE avatar_usage_records ADD CONSTRAINT of_the_test
    CHECK (id <> '${recordId}' OR actual_seconds IS NULL)`,
  );
}

function entry({ avatarSessionId: id }: Pick<VendorToken, 'avatarSessionId'>): object {
  const dates = { created_at: '2026-11-10T12:00:00Z', end_at: '2026-11-10T12:00:30Z' };
  return { id, ...dates, duration: 30, credits_consumed: 2, mode: 'FULL' };
}

function setAside(test: VendorBooks) {
  return test.database.query(
    `SELECT avatar_session_id, problem, failures, failing_since FROM reconciliation_attempts WHERE problem IS NOT NULL`,
  );
}
