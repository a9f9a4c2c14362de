import { expect, it } from 'vitest';
import { createLogLines } from '../support/log-lines.ts';
import { readMetrics } from '../support/metrics.ts';
import {
  CREATE_TOKEN,
  endSession,
  QUOTA,
  type RecordData,
  readRecord,
  startSession,
  TRACK_END,
  TRACK_HEARTBEAT,
  TRACK_START,
} from '../support/operations.ts';
import { conversation, post, startTestService, type TestService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

const SESSIONS = 20;
const HOUR = 3600;
const DIFFERS = 'Clock differs from the database’s, making no decisions';
const AGREES = 'Clock agrees with the database’s again';

/** A second node, whose clock the test moves. */
async function nodeAhead(service: TestService, seconds: number) {
  const time = { ahead: seconds };
  const { log, lines } = createLogLines('info');
  const clock = () => new Date(Date.now() + time.ahead * 1000);
  const node = await service.anotherNode({ clock, comparesClock: true, log });
  const logged = (msg: string) => lines().filter((line) => line.msg === msg);
  return { ...node, time, logged, lines };
}

async function beat(node: Pick<TestService, 'url'>, token: string, avatarSessionId: string) {
  const { body } = await post<{ trackHeartbeat: { __typename: string } }>(node, token, TRACK_HEARTBEAT, {
    input: { avatarSessionId },
  });
  return body.errors?.[0]?.extensions.code ?? body.data?.trackHeartbeat.__typename;
}

async function readiness({ url }: Pick<TestService, 'url'>) {
  const response = await fetch(`${url}/readyz`);
  return { status: response.status, body: await response.json() };
}

it.each([
  ['100 seconds ahead', 100],
  ['two days ahead', 48 * HOUR],
  ['100 seconds behind', -100],
])('a node %s ends no session and claims no work, and the other node does it', async (_, ahead) => {
  await using service = await startTestService({ METRICS: 'on' });
  const users = await Promise.all(
    Array.from({ length: SESSIONS }, async (_, user) => {
      const token = await service.token(`user-${user}`, 72 * HOUR);
      const record = await startSession(service, token);
      expect(await beat(service, token, record.avatarSessionId)).toBe('TrackHeartbeatSuccess');
      return { token, record };
    }),
  );

  await using node = await nodeAhead(service, ahead);
  expect(node.logged(DIFFERS)).toMatchObject([
    {
      level: 'warn',
      reason: expect.stringMatching(/^This machine's clock is .* seconds (ahead of|behind) the database's/),
    },
  ]);
  expect(await readiness(node)).toEqual({
    status: 503,
    body: { status: 'unavailable', database: true, events: true, clock: false },
  });
  expect(await readiness(service)).toMatchObject({ status: 200, body: { clock: true } });
  expect(Math.abs(((await readMetrics(node)).clock_offset_seconds ?? Number.NaN) - ahead)).toBeLessThan(1);

  for (const { token, record } of users) {
    expect(await beat(service, token, record.avatarSessionId)).toBe('TrackHeartbeatSuccess');
    expect((await readRecord(node, token, record.id)).status).toBe('ACTIVE');
  }
  await Promise.all(users.map(({ token, record }) => endSession(service, token, record.avatarSessionId)));
  await waitFor(async () => (await readMetrics(service)).pending_stops === 0);

  const spent = await service.database.query<RecordData & { ends: number }>(
    `SELECT end_reason, count(*)::integer AS ends, bool_and(duration_seconds > 0) AS "isCharged"
     FROM avatar_usage_records GROUP BY end_reason`,
  );
  expect(spent).toEqual([{ end_reason: 'user_ended', ends: SESSIONS, isCharged: true }]);
  // However many parts of the node were refused, the log says it once.
  expect(node.lines().filter(({ level }) => level !== 'info')).toHaveLength(1);
});

it('a node whose clock is set while it runs serves reads, refuses decisions, and recovers by itself', async () => {
  await using service = await startTestService();
  const token = await service.token('ann', 72 * HOUR);
  await using node = await nodeAhead(service, 0);
  const { avatarSessionId, sessionId } = await startSession(node, token);
  expect(await beat(node, token, avatarSessionId)).toBe('TrackHeartbeatSuccess');

  node.time.ahead = 100;
  const acts: [string, object][] = [
    [TRACK_HEARTBEAT, { avatarSessionId }],
    [CREATE_TOKEN, { sessionId: conversation() }],
    [TRACK_START, { sessionId, avatarSessionId }],
    [TRACK_END, { avatarSessionId }],
  ];
  for (const [query, input] of acts) {
    const { body } = await post(node, token, query, { input });
    expect(body.errors).toMatchObject([
      {
        message: 'The service cannot meter sessions reliably right now. Try again in a few seconds.',
        extensions: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 5 },
      },
    ]);
  }
  expect((await post(node, token, QUOTA)).body).toMatchObject({
    data: { quota: { openSessions: [{ status: 'ACTIVE' }] } },
  });

  node.time.ahead = 0;
  expect(await beat(node, token, avatarSessionId)).toBe('TrackHeartbeatSuccess');
  expect((await readiness(node)).status).toBe(200);
  expect(node.logged(AGREES)).toMatchObject([{ level: 'info', seconds: expect.any(Number) }]);
});

it('a node that is idle finds out by itself when its clock is right again', async () => {
  await using service = await startTestService();
  await using node = await nodeAhead(service, 100);
  expect((await readiness(node)).status).toBe(503);
  node.time.ahead = 0;
  await waitFor(async () => (await readiness(node)).status === 200);
  expect(node.logged(AGREES)).toHaveLength(1);
});
