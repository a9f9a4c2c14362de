import { expect, it } from 'vitest';
import { ALWAYS, dueWork, sweepAll } from '../../support/due-work.ts';
import { listen } from '../../support/listen.ts';
import { createTestStore, FIRST_VERSION, holdRequest, startSession, type TestStore } from '../../support/store.ts';

// A session of 30 minutes from 12:00:00 on, if nothing else is said.

it('is published 60 and 15 seconds before the end, once each and not a millisecond early', async () => {
  await using test = await createTestStore();
  const avatarSessionId = await startSession(test);
  const recordId = avatarSessionId.slice('stream-'.length);
  const heard = await listen(test);
  const due: number[] = [];
  for (const second of [1739.999, 1740, 1740, 1784.999, 1785, 1785, 1799.999]) {
    moveTo(test, second);
    due.push(await dueWork(test).sweep(ALWAYS));
  }
  expect(due).toEqual([0, 1, 0, 0, 1, 0, 0]);

  moveTo(test, 1800);
  await sweepAll(test);

  const at = Date.parse('2026-11-10T12:00:00Z');
  const notice = { userId: 'ann', period: '2026-11', reason: 'session_ending_soon', recordId };
  expect(await heard('quota_events')).toEqual([
    { ...notice, version: FIRST_VERSION + 3, at: at + 1_740_000 },
    { ...notice, version: FIRST_VERSION + 4, at: at + 1_785_000 },
    { ...notice, version: FIRST_VERSION + 5, at: at + 1_800_000, reason: 'session_ended' },
  ]);
});

it('changes nothing but the version', async () => {
  await using test = await createTestStore();
  await startSession(test);
  const before = await test.store.read('ann', '2026-11');
  const openRecords = before.openRecords.map((record) => ({ ...record, updatedAt: expect.any(Date) }));
  moveTo(test, 1740);
  await sweepAll(test);
  expect(await test.store.read('ann', '2026-11')).toEqual({ ...before, openRecords, version: before.version + 1 });
});

it.each([
  [61, [1, 46]],
  [60, [45]],
  [16, [1]],
  [15, []],
])('is published for a grant of %d s only where the grant is long enough', async (maxSessionSeconds, notices) => {
  await using test = await createTestStore({ maxSessionSeconds, minSessionSeconds: 1 });
  await startSession(test);
  expect(await noticesUpTo(test, maxSessionSeconds - 1)).toEqual(notices);
});

it('is published once if a notice was missed', async () => {
  await using test = await createTestStore();
  await startSession(test);
  const heard = await listen(test);
  moveTo(test, 1790);
  await sweepAll(test);
  moveTo(test, 1799);
  await sweepAll(test);
  expect(await heard('quota_events')).toMatchObject([{ reason: 'session_ending_soon' }]);
});

it('is not published if the end itself was missed', async () => {
  await using test = await createTestStore();
  await startSession(test);
  const heard = await listen(test);
  moveTo(test, 1801);
  await sweepAll(test);
  expect(await heard('quota_events')).toMatchObject([{ reason: 'session_ended' }]);
});

it('is published again after the end was postponed', async () => {
  await using test = await createTestStore({ defaultLimitMinutes: 10 });
  await startSession(test, { vendorCaps: false });
  expect(await noticesUpTo(test, 550)).toEqual([540]);

  await test.store.changeLimits({ userId: 'ann', limitMinutes: 20, limitCost: null, isActive: null });

  expect(await noticesUpTo(test, 1199)).toEqual([1140, 1185]);
});

it('is published after the end was moved forward, if there is still time', async () => {
  await using test = await createTestStore();
  await startSession(test);
  moveTo(test, 260);
  await test.store.changeLimits({ userId: 'ann', limitMinutes: 5, limitCost: null, isActive: null });
  expect(await noticesUpTo(test, 299)).toEqual([285]);
});

it('is published for each of two sessions with its own version', async () => {
  await using test = await createTestStore({ maxConcurrentSessions: 2, maxSessionSeconds: 120 });
  await startSession(test);
  await startSession(test);
  const heard = await listen(test);
  moveTo(test, 60);
  await sweepAll(test);
  const events = await heard('quota_events');
  expect(events.map(({ reason, version }) => [reason, version - FIRST_VERSION])).toEqual([
    ['session_ending_soon', 5],
    ['session_ending_soon', 6],
  ]);
  expect(new Set(events.map(({ recordId }) => recordId)).size).toBe(2);
});

it('is not published for an unused token', async () => {
  await using test = await createTestStore();
  await test.store.hold(holdRequest());
  const heard = await listen(test);
  moveTo(test, 299);
  await expect(dueWork(test).sweep(ALWAYS)).resolves.toBe(0);
  expect(await heard('quota_events')).toEqual([]);
});

it('is published once by nodes whose clocks differ by 30 s', async () => {
  await using test = await createTestStore();
  await startSession(test);
  const heard = await listen(test);
  moveTo(test, 1740);
  await sweepAll(test);

  // whatever else it may be due for by the clock that is behind
  await test.database.query(`
    UPDATE avatar_usage_records SET due_at = '2026-11-10T12:00:00Z';
    UPDATE quota_users SET due_at = '2026-11-10T12:00:00Z'`);
  await expect(dueWork(test, { secondsBehind: 30 }).sweep(ALWAYS)).resolves.toBe(0);
  await expect(dueWork(test).nextDue()).resolves.toEqual(new Date('2026-11-10T12:29:45Z'));
  await sweepAll(test);

  expect(await heard('quota_events')).toMatchObject([{ reason: 'session_ending_soon' }]);
});

/** Puts the clock to so many seconds after 12:00. */
function moveTo({ clock }: TestStore, second: number): void {
  clock.set(new Date(Date.parse('2026-11-10T12:00:00Z') + second * 1000).toISOString());
}

/** Sweeps at every moment at which something falls due, up to a second; returns those at which a notice was published. */
async function noticesUpTo(test: TestStore, lastSecond: number): Promise<number[]> {
  const heard = await listen(test);
  const start = Date.parse('2026-11-10T12:00:00Z');
  for (;;) {
    const next = await dueWork(test).nextDue();
    if (!next || next.getTime() > start + lastSecond * 1000) break;
    test.clock.set(next.toISOString());
    await sweepAll(test);
  }
  moveTo(test, lastSecond);
  const events = await heard('quota_events');
  return events.filter(({ reason }) => reason === 'session_ending_soon').map(({ at }) => (at - start) / 1000);
}
