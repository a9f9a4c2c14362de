import { expect, it } from 'vitest';
import { ALWAYS, dueWork, holdAfterStop } from '../../support/due-work.ts';
import { listen } from '../../support/listen.ts';
import { createTestStore, FIRST_VERSION, holdRequest, startSession } from '../../support/store.ts';

const PERIOD = '2026-11';

it('every change in the life of a session is published with its own version', async () => {
  await using test = await createTestStore();
  const heard = await listen(test);
  const hold = holdRequest();
  const avatarSessionId = 'stream';

  await test.store.hold(hold);
  await test.store.attach({ ...hold, avatarSessionId, tokenHash: new Uint8Array(32) });
  await test.store.start({ ...hold, avatarSessionId, avatarName: null });
  test.clock.advance(1);
  await test.store.end({ userId: 'ann', avatarSessionId, wordsSpoken: null, messagesCount: null, errorMessage: null });

  const common = { userId: 'ann', period: PERIOD, recordId: hold.recordId };
  const at = Date.parse('2026-11-10T12:00:00Z');
  expect(await heard('quota_events')).toEqual([
    { ...common, version: FIRST_VERSION + 1, reason: 'token_created', at },
    { ...common, version: FIRST_VERSION + 2, reason: 'session_started', at },
    { ...common, version: FIRST_VERSION + 3, reason: 'session_ended', at: at + 1000 },
  ]);
});

it('thresholds are published after the settlement that crossed them, in ascending order', async () => {
  await using test = await createTestStore({ defaultLimitMinutes: 10, thresholds: [50, 80] });
  await startSession(test);
  const heard = await listen(test);
  test.clock.advance(600);

  await dueWork(test).sweep(ALWAYS);

  const events = await heard('quota_events');
  expect(events.map(({ reason, version }) => [reason, version - FIRST_VERSION])).toEqual([
    ['session_ended', 3],
    ['warning', 4],
    ['warning', 5],
    ['limit_reached', 6],
  ]);
  expect(events.map(({ recordId }) => recordId).slice(1)).toEqual([null, null, null]);
  expect(await test.store.read('ann', PERIOD)).toMatchObject({ version: FIRST_VERSION + 6 });
});

it('a threshold that is crossed in the middle of a session is published', async () => {
  await using test = await createTestStore({ defaultLimitMinutes: 10 });
  await startSession(test);
  const heard = await listen(test);
  test.clock.advance(480);
  await dueWork(test).sweep(ALWAYS);
  expect(await heard('quota_events')).toMatchObject([
    { reason: 'warning', version: FIRST_VERSION + 3, recordId: null },
  ]);
});

it('a token that supersedes a session is published after the end of that session, and after its stop', async () => {
  await using test = await createTestStore();
  await startSession(test, { sessionId: 'chat' });
  const heard = await listen(test);
  await holdAfterStop(test, holdRequest({ sessionId: 'chat' }));
  expect(await heard('quota_events')).toMatchObject([
    { reason: 'session_ended', version: FIRST_VERSION + 3 },
    { reason: 'hold_released', version: FIRST_VERSION + 4 },
    { reason: 'token_created', version: FIRST_VERSION + 5 },
  ]);
});

it('an act that changes nothing publishes nothing', async () => {
  await using test = await createTestStore();
  const avatarSessionId = await startSession(test);
  const heard = await listen(test);
  const call = { userId: 'ann', avatarSessionId, wordsSpoken: 3, messagesCount: 1 };
  await test.store.heartbeat(call);
  await expect(test.store.hold(holdRequest())).resolves.toMatchObject({ outcome: 'concurrency' });
  await test.store.end({ ...call, userId: 'bob', errorMessage: null });
  expect(await heard('quota_events')).toEqual([]);
});

it('the sweepers are notified of the next due time, stops included', async () => {
  await using test = await createTestStore();
  const heard = await listen(test);
  const hold = holdRequest({ sessionId: 'chat' });
  await test.store.hold(hold);
  await test.store.hold(holdRequest({ sessionId: 'chat', avatarName: 'ben' }));
  // once: the second token falls due no sooner than the first, whose place it takes
  expect(await heard('quota_due')).toEqual([Date.parse('2026-11-10T12:05:00Z')]);

  const late = await listen(test);
  test.clock.advance(1);
  await test.store.attach({ ...hold, avatarSessionId: 'stream', tokenHash: new Uint8Array(32) });
  expect(await late('quota_due')).toEqual([Date.parse('2026-11-10T12:00:01Z')]);
});
