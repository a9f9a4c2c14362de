import { expect, it } from 'vitest';
import { dueWork } from '../../support/due-work.ts';
import { createTestStore, startSession, type TestStore } from '../../support/store.ts';

it('gives each stop to one of two nodes', async () => {
  await using test = await createTestStore();
  await endSessions(test, 40);

  const claims = await Promise.all([dueWork(test).claimStops('due'), dueWork(test).claimStops('due')]);
  const left = await dueWork(test).claimStops('due');

  const claimed = [...claims.flat(), ...left].map(({ avatarSessionId }) => avatarSessionId);
  expect(claimed).toHaveLength(40);
  expect(new Set(claimed).size).toBe(40);
});

it('takes 50 at a time, the longest due first', async () => {
  await using test = await createTestStore();
  await endSessions(test, 50);
  test.clock.advance(1);
  const last = await endSession(test, 'last');
  const work = dueWork(test);

  const first = await work.claimStops('due');
  expect(first).toHaveLength(50);
  expect(first.map(({ avatarSessionId }) => avatarSessionId)).not.toContain(last);
  await expect(work.claimStops('due')).resolves.toMatchObject([{ avatarSessionId: last }]);
  await expect(work.claimStops('due')).resolves.toEqual([]);
});

it('tries again after a wait that doubles up to a maximum, as long as no answer is noted', async () => {
  await using test = await createTestStore();
  await endSession(test);
  const work = dueWork(test);
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 9; attempt++) {
    const claimed = await work.claimStops('due');
    expect(claimed).toMatchObject([{ attempts: attempt }]);
    const next = await work.nextDue();
    const wait = ((next?.getTime() ?? Number.NaN) - test.clock.now().getTime()) / 1000;
    waits.push(wait);
    test.clock.advance(wait - 0.001);
    await expect(work.claimStops('due')).resolves.toEqual([]);
    test.clock.advance(0.001);
  }
  expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
});

it('is done once the vendor has confirmed, whatever a late answer says', async () => {
  await using test = await createTestStore();
  await endSession(test);
  const work = dueWork(test);
  const [stop] = await work.claimStops('due');
  const recordId = stop?.recordId ?? '';

  await test.store.confirmStop({ recordId, userId: 'ann', word: 'stopped', expectsFigures: false });
  await work.noteFailedStop({ recordId, error: 'from a node that was slow', retryAt: test.clock.now() });

  test.clock.advance(86_400);
  await expect(work.claimStops('due')).resolves.toEqual([]);
  expect(await test.database.query('SELECT attempts, next_attempt_at, last_error FROM vendor_stops')).toEqual([
    { attempts: 1, next_attempt_at: null, last_error: null },
  ]);
  await expect(work.nextDue()).resolves.toBeNull();
});

it('keeps the error, and tries when the vendor asked for it or else by its own count', async () => {
  await using test = await createTestStore();
  await endSession(test);
  const work = dueWork(test);
  const [stop] = await work.claimStops('due');
  const recordId = stop?.recordId ?? '';

  await work.noteFailedStop({ recordId, error: 'HTTP 503', retryAt: null });
  await expect(work.nextDue()).resolves.toEqual(new Date('2026-11-10T12:00:05.001Z'));
  await work.noteFailedStop({ recordId, error: 'HTTP 429', retryAt: new Date('2026-11-10T12:00:42.000Z') });
  await expect(work.nextDue()).resolves.toEqual(new Date('2026-11-10T12:00:42.000Z'));
  expect(await test.database.query('SELECT last_error FROM vendor_stops')).toEqual([{ last_error: 'HTTP 429' }]);
});

it('takes those of one vendor only, and knows when its next is due', async () => {
  await using test = await createTestStore();
  const mine = await endSession(test, 'ann');
  const other = await endSession(test, 'bob', 'liveavatar');
  const work = dueWork(test);
  const otherWork = dueWork(test, { vendorName: 'liveavatar' });
  test.clock.advance(10);
  await expect(otherWork.nextDue()).resolves.toEqual(new Date('2026-11-10T12:00:00.002Z'));

  await expect(work.claimStops('all')).resolves.toMatchObject([{ avatarSessionId: mine }]);
  await expect(work.claimStops('due')).resolves.toEqual([]);
  await expect(work.nextDue()).resolves.toEqual(new Date('2026-11-10T12:00:15.002Z'));
  await expect(otherWork.claimStops('due')).resolves.toMatchObject([{ avatarSessionId: other }]);
  // the places of the sessions are free at their caps
  await expect(dueWork(test, { vendorName: 'unknown' }).nextDue()).resolves.toEqual(new Date('2026-11-10T12:30:00Z'));
});

it('takes all that are not confirmed where it is to be the last time', async () => {
  await using test = await createTestStore();
  await endSessions(test, 3);
  const work = dueWork(test);
  const [confirmed, ...others] = await work.claimStops('due');
  const { recordId = '', userId = '' } = confirmed ?? {};
  const pending = others.map((stop) => stop.recordId);
  await test.store.confirmStop({ recordId, userId, word: 'stopped', expectsFigures: false });
  await expect(work.claimStops('due')).resolves.toEqual([]);

  const claimed = await work.claimStops('all');

  expect(claimed.map(({ recordId }) => recordId).sort()).toEqual(pending.sort());
  expect(claimed.map(({ attempts }) => attempts)).toEqual([2, 2]);
});

it('knows the next of everything that falls due', async () => {
  await using test = await createTestStore({ defaultLimitMinutes: 60, thresholds: [50] });
  const work = dueWork(test);
  await expect(work.nextDue()).resolves.toBeNull();

  const avatarSessionId = await startSession(test);
  // a minute before its deadline, for the notice
  await expect(work.nextDue()).resolves.toEqual(new Date('2026-11-10T12:29:00.000Z'));

  const beat = { userId: 'ann', avatarSessionId, wordsSpoken: null, messagesCount: null };
  test.clock.advance(60);
  await test.store.heartbeat(beat);
  await expect(work.nextDue()).resolves.toEqual(new Date('2026-11-10T12:02:30.000Z'));

  // half of four minutes
  await test.store.changeLimits({ userId: 'ann', limitMinutes: 4, limitCost: null, isActive: null });
  await expect(work.nextDue()).resolves.toEqual(new Date('2026-11-10T12:02:00.000Z'));

  await test.store.end({ ...beat, errorMessage: null });
  await expect(work.nextDue()).resolves.toEqual(test.clock.now());
});

async function endSessions(test: TestStore, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, user) => endSession(test, `user-${user}`)));
}

async function endSession(test: TestStore, userId = 'ann', vendor = 'simulator'): Promise<string> {
  const avatarSessionId = await startSession(test, { userId, vendor });
  test.clock.advance(0.001);
  await test.store.end({ userId, avatarSessionId, wordsSpoken: null, messagesCount: null, errorMessage: null });
  return avatarSessionId;
}
