import { describe, expect, it } from 'vitest';
import { VendorFailure } from '../../../src/domain/errors.ts';
import { holdLock } from '../../support/lock.ts';
import { answerWithLists, createVendorBooks, type VendorBooks, type VendorToken } from '../../support/vendor-books.ts';
import { waitFor } from '../../support/wait-for.ts';

const LISTS = '/v1/sessions';

describe('a vendor that is asked too often', () => {
  it('is given the pause that it asks for, page by page, and nothing is read twice', async () => {
    await using test = await createVendorBooks({}, { rateLimitPerSecond: 20 });
    for (let count = 0; count < 25; count += 1) {
      test.simulator.embed('LITE');
      test.clock.advance(300);
    }
    const pauses: number[] = [];
    const sleep = async (seconds: number) => {
      pauses.push(seconds);
      test.clock.advance(seconds);
    };
    test.simulator.failNext({ path: LISTS, status: 429, headers: { 'retry-after': '7' }, times: 2 });

    expect(await test.reconcile({ sleep }, 'months')).toMatchObject({ unattributed: 25 });

    expect(pauses).toEqual([7, 7]);
  });

  it('is left alone after ten refusals of one call, until the next run', async () => {
    await using test = await createVendorBooks();
    test.simulator.failNext({ path: LISTS, status: 429, times: 100 });
    const pauses: number[] = [];
    const sleep = async (seconds: number) => void pauses.push(seconds);

    const failure = await failureOf(test.reconcile({ sleep }));

    expect(failure.kind).toBe('rate_limited');
    expect(pauses).toEqual(Array.from({ length: 10 }, () => 1));
  });

  it('never keeps a run for more than a minute at a time', async () => {
    await using test = await createVendorBooks();
    test.simulator.failNext({ path: LISTS, status: 429, headers: { 'retry-after': '86400' } });
    const pauses: number[] = [];

    await test.reconcile({ sleep: async (seconds) => void pauses.push(seconds) });

    expect(pauses).toEqual([60]);
  });
});

describe('a run that is cut in the middle', () => {
  it('leaves what it has booked, and the next one books the rest', async () => {
    await using test = await createVendorBooks({}, {});
    const sessions = await endedSessions(test, 130);
    // the list of what runs, one page of what has ended, and then silence
    test.simulator.failNext({ path: LISTS, status: 200, body: emptyPage() });
    const reading = new AbortController();
    const vendor = {
      ...test.vendor,
      listEnded: async function* (since: Date) {
        let given = 0;
        for await (const session of test.vendor.listEnded(since)) {
          if (given === 100) reading.abort(new Error('The node was stopped'));
          yield session;
          given += 1;
        }
      },
    };

    await expect(test.reconcile({ vendor, signal: reading.signal })).rejects.toThrow('The node was stopped');
    expect(await reconciled(test)).toBe(100);

    expect(await test.reconcile()).toMatchObject({ corrected: 30, known: 100 });
    expect(await reconciled(test)).toBe(sessions.length);
    expect(await test.corrections()).toHaveLength(sessions.length);
  });

  it('says that the vendor is down, and is taken up when it is back', async () => {
    await using test = await createVendorBooks();
    await endedSessions(test, 3);
    test.simulator.failNext({ path: LISTS, status: 503 });
    expect((await failureOf(test.reconcile())).message).toMatch(/answered 503/);
    test.simulator.failNext({ path: LISTS, status: 200, body: emptyPage() });
    test.simulator.failNext({ path: LISTS, closeMidAnswer: true });
    expect((await failureOf(test.reconcile())).kind).toBe('unavailable');
    expect((await test.books.horizon()).completedAt).toBeNull();

    expect(await test.reconcile()).toMatchObject({ corrected: 3 });
    expect((await test.books.horizon()).completedAt).toEqual(test.clock.now());
  });
});

describe('a list that shifts while it is read', () => {
  it('hides no session: those that it has lost are asked for one by one', async () => {
    await using test = await createVendorBooks();
    const [first, second] = await endedSessions(test, 2);
    test.clock.advance(600);
    answerWithLists(test, [], []);

    expect(await test.reconcile()).toMatchObject({ corrected: 2 });

    const asked = test.simulator.requests().map(({ path }) => path);
    expect(asked).toEqual(
      expect.arrayContaining([`/v1/sessions/${first?.avatarSessionId}`, `/v1/sessions/${second?.avatarSessionId}`]),
    );
  });

  it('ends no session that it has lost, if the vendor still streams it', async () => {
    await using test = await createVendorBooks();
    const session = await test.startSession();
    for (let minutes = 0; minutes < 11; minutes += 1) {
      test.clock.advance(60);
      await test.keepAliveAtVendor(session);
    }
    answerWithLists(test, [], []);

    expect(await test.reconcile()).toMatchObject({ running: 1 });

    expect(await test.record(session)).toMatchObject({ status: 'active' });
  });
});

describe('a session that the vendor cannot say anything of', () => {
  it('is set aside, and holds up no other', async () => {
    await using test = await createVendorBooks();
    const [first, second, third] = await endedSessions(test, 3);
    test.clock.advance(600);
    answerWithLists(test, [], []);
    test.simulator.failNext({ path: `/v1/sessions/${second?.avatarSessionId}`, status: 500 });

    expect(await test.reconcile()).toMatchObject({ corrected: 2, failed: 1 });

    expect(await test.record(first as VendorToken)).toMatchObject({ actual_seconds: 30 });
    expect(await test.record(second as VendorToken)).toMatchObject({ reconciled_at: null });
    expect(await test.record(third as VendorToken)).toMatchObject({ actual_seconds: 30 });
    expect((await test.books.horizon()).completedAt).toEqual(test.clock.now());
    expect(await setAside(test)).toEqual([
      { id: second?.avatarSessionId, problem: expect.stringContaining('answered 500'), failures: 1 },
    ]);

    expect(await test.reconcile()).toMatchObject({ corrected: 1, failed: 0 });
    expect(await setAside(test)).toEqual([]);
  });

  it('is not there at all after three of them: the run ends with the calls under way', async () => {
    await using test = await createVendorBooks();
    const sessions = await endedSessions(test, 12);
    test.clock.advance(600);
    answerWithLists(test, [], []);
    failForever(test, sessions);

    await failureOf(test.reconcile());

    expect(asked(test).length).toBeGreaterThanOrEqual(3);
    expect(asked(test).length).toBeLessThanOrEqual(5);
    expect((await test.books.horizon()).completedAt).toEqual(test.clock.now());
  });

  it('comes after all the others at the next run', async () => {
    await using test = await createVendorBooks();
    const front = await endedSessions(test, 3, 'front');
    test.clock.advance(1);
    const good = await endedSessions(test, 5, 'good');
    test.clock.advance(600);
    failForever(test, front);
    // Whether three of them fail in a row, and end the run, is up to the order of the answers.
    answerWithLists(test, [], []);
    await Promise.allSettled([test.reconcile()]);
    test.clock.advance(300);
    answerWithLists(test, [], []);

    await Promise.allSettled([test.reconcile()]);

    for (const session of good) expect(await test.record(session)).toMatchObject({ actual_seconds: 30 });
    expect((await setAside(test)).map(({ id }) => id).sort()).toEqual(
      front.map(({ avatarSessionId }) => avatarSessionId).sort(),
    );
  });

  it('does not end the run by a refusal that is about the session', async () => {
    await using test = await createVendorBooks();
    const sessions = await endedSessions(test, 8);
    test.clock.advance(600);
    for (const { avatarSessionId } of sessions.slice(0, 5)) {
      test.simulator.failNext({ path: `/v1/sessions/${avatarSessionId}`, status: 422 });
    }
    answerWithLists(test, [], []);

    expect(await test.reconcile()).toMatchObject({ corrected: 3, failed: 5 });
  });

  it('keeps no other waiting while its answer hangs', async () => {
    await using test = await createVendorBooks();
    const [hanging, ...others] = await endedSessions(test, 8);
    test.clock.advance(600);
    const { promise: until, resolve: answer } = Promise.withResolvers<void>();
    test.simulator.failNext({ path: `/v1/sessions/${hanging?.avatarSessionId}`, until });
    answerWithLists(test, [], []);

    const run = test.reconcile();
    await waitFor(async () => (await reconciled(test)) === others.length);
    answer();

    expect(await run).toMatchObject({ corrected: 8 });
  });
});

it('a user whose quota is locked too long holds up nobody else', async () => {
  await using test = await createVendorBooks();
  const [anns, bobs] = [await test.startSession('ann'), await test.startSession('bob')];
  test.clock.advance(30);
  for (const session of [anns, bobs]) {
    await test.stopAtVendor(session);
    await test.reportEnd(session);
  }
  {
    await using _lock = await holdLock(test.pool, `SELECT FROM usage_quotas WHERE user_id = 'ann' FOR UPDATE`);
    expect(await test.reconcile()).toMatchObject({ corrected: 1, failed: 1 });
  }
  expect(await test.record(bobs)).toMatchObject({ actual_seconds: 30 });
  expect(await test.record(anns)).toMatchObject({ reconciled_at: null });

  expect(await test.reconcile()).toMatchObject({ corrected: 1, known: 1 });
});

describe('how far back the list is read', () => {
  it('is to the beginning of the month at first, or to the oldest record, and then the window, or a day behind the last run', async () => {
    await using test = await createVendorBooks();
    test.clock.set('2026-10-31T23:00:00Z');
    await test.createToken();
    test.clock.set('2026-11-10T12:00:00Z');
    const read: Date[] = [];
    const vendor = {
      ...test.vendor,
      listEnded: (since: Date) => {
        read.push(since);
        return test.vendor.listEnded(since);
      },
    };

    await test.reconcile({ vendor });
    test.clock.advance(300);
    await test.reconcile({ vendor });
    await test.reconcile({ vendor, windowSeconds: 0 });
    await test.reconcile({ vendor }, 'months');

    expect(read).toEqual(
      ['2026-10-31T23:00:00Z', '2026-11-07T12:05:00Z', '2026-11-09T12:05:00Z', '2026-10-01T00:00:00Z'].map(
        (moment) => new Date(moment),
      ),
    );
  });
});

describe('of several nodes', () => {
  it('one makes the comparison in an interval, and another one the next', async () => {
    await using test = await createVendorBooks();
    expect(await test.books.claim(300)).toBe(true);
    test.clock.advance(299);
    expect(await test.books.claim(300)).toBe(false);
    test.clock.advance(1);
    const claims = await Promise.all([test.books.claim(300), test.books.claim(300)]);
    expect(claims.sort()).toEqual([false, true]);
  });
});

/** Sessions of half a minute that have ended on both sides: each is charged a whole one. */
async function endedSessions(test: VendorBooks, count: number, name = 'user'): Promise<VendorToken[]> {
  const sessions = await Promise.all(Array.from({ length: count }, (_, user) => test.startSession(`${name}-${user}`)));
  test.clock.advance(30);
  await Promise.all(sessions.map((session) => test.stopAtVendor(session)));
  await Promise.all(sessions.map((session) => test.reportEnd(session)));
  return sessions;
}

/** The vendor answers 500 to every question for one of these sessions. */
function failForever(test: VendorBooks, sessions: readonly VendorToken[]): void {
  for (const { avatarSessionId } of sessions) {
    test.simulator.failNext({ path: `/v1/sessions/${avatarSessionId}`, status: 500, times: 1000 });
  }
}

/** The sessions that the vendor was asked for one by one. */
function asked({ simulator }: VendorBooks): string[] {
  return simulator
    .requests()
    .filter(({ method, path }) => method === 'GET' && path !== LISTS)
    .map(({ path }) => path);
}

function setAside(test: VendorBooks) {
  return test.database.query<{ id: string; problem: string; failures: number }>(
    'SELECT avatar_session_id AS id, problem, failures FROM reconciliation_attempts WHERE problem IS NOT NULL',
  );
}

async function reconciled(test: VendorBooks): Promise<number> {
  const records = await test.database.query('SELECT FROM avatar_usage_records WHERE reconciled_at IS NOT NULL');
  return records.length;
}

function emptyPage() {
  return { code: 1000, data: { count: 0, next: null, results: [] } };
}

async function failureOf(run: Promise<unknown>): Promise<VendorFailure> {
  const failure = await run.then(
    () => null,
    (error: unknown) => error,
  );
  if (failure instanceof VendorFailure) return failure;
  throw new Error('The run did not end with a failure of the vendor', { cause: failure });
}
