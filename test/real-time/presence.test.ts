import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { socketClient } from '../support/clients.ts';
import { createToken, QUOTA_UPDATED, readRecord, startSession, TRACK_START } from '../support/operations.ts';
import { openSocket, type RawSocket } from '../support/raw-socket.ts';
import { post, startTestService, type TestService } from '../support/service.ts';
import { openStream } from '../support/sse.ts';
import { callsTo, KEEP_ALIVE, STOP } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

const LAPSE_MS = 3_000;
/** So many heartbeats, the first at once and the others a second apart, take longer than a lapse. */
const MORE_THAN_A_LAPSE = 5;
/** A silent client is cut off at the second ping that it does not answer. */
const LONGEST_SILENCE_MS = 24_000;

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ HEARTBEAT_SECONDS: '1' });
});
afterAll(() => service[Symbol.asyncDispose]());

/** Subscribes over a socket that names a session. */
async function watchBySocket(token: string, avatarSessionId: string): Promise<RawSocket> {
  const socket = await openSocket(service);
  await socket.connect({ authorization: `Bearer ${token}` });
  await socket.run('watch', { query: QUOTA_UPDATED, variables: { avatarSessionId } });
  return socket;
}

type Watch = (token: string, avatarSessionId: string) => Promise<() => void>;

/** How a client's subscription begins, and how it is lost. */
const LOSSES: [how: string, watch: Watch, silenceMs: number][] = [
  [
    'breaks off',
    async (...session) => {
      const socket = await watchBySocket(...session);
      return () => socket[Symbol.dispose]();
    },
    0,
  ],
  [
    'is completed',
    async (...session) => {
      const socket = await watchBySocket(...session);
      return () => socket.send({ type: 'complete', id: 'watch' });
    },
    0,
  ],
  [
    'is hung up over SSE',
    async (token, avatarSessionId) => {
      const stream = await openStream(service, token, { avatarSessionId });
      await stream.events.take(1);
      return () => void stream[Symbol.asyncDispose]();
    },
    0,
  ],
  [
    'falls silent',
    async (...session) => {
      const socket = await watchBySocket(...session);
      return () => socket.fallSilent();
    },
    LONGEST_SILENCE_MS,
  ],
];

describe.concurrent.each(LOSSES)('a subscription that names its session and %s', (how, watch, silenceMs) => {
  it('stands for heartbeats while it is open, and ends the session when it is gone', { timeout: 60_000 }, async () => {
    const token = await service.token(how);
    await using other = socketClient(service, token);
    const inbox = other.watchQuota();
    await inbox.take(1);
    const { id, avatarSessionId, startedAt } = await startSession(service, token);
    const lose = await watch(token, avatarSessionId);

    await waitFor(async () => callsTo(service, KEEP_ALIVE, avatarSessionId).length >= MORE_THAN_A_LAPSE);
    expect(Date.now() - Date.parse(startedAt)).toBeGreaterThan(LAPSE_MS);
    expect(await readRecord(service, token, id)).toMatchObject({ status: 'ACTIVE', endReason: null });
    const lostAt = Date.now();
    lose();

    const { record, quota, arrivedAt } = await inbox.find(({ reason }) => reason === 'SESSION_ENDED');
    expect(record).toMatchObject({ id, status: 'COMPLETED', endReason: 'HEARTBEAT_LOST', expiresAt: null });
    const lastSeen = Date.parse(record?.endedAt ?? '');
    expect(lastSeen).toBeGreaterThanOrEqual(lostAt);
    expect(lastSeen - lostAt).toBeLessThan(silenceMs + 1_000);
    expect(arrivedAt - lastSeen).toBeGreaterThanOrEqual(LAPSE_MS);
    expect(arrivedAt - lastSeen).toBeLessThan(LAPSE_MS + 1_500);
    expect(record?.durationSeconds).toBe(Math.ceil((lastSeen - Date.parse(startedAt)) / 1000));
    const usedSeconds = record?.durationSeconds ?? Number.NaN;
    expect(quota).toMatchObject({ usedSeconds, heldSeconds: 1800 - usedSeconds });
    expect(inbox.messages.filter(({ reason }) => reason === 'SESSION_ENDED')).toHaveLength(1);
    await waitFor(async () => callsTo(service, STOP, avatarSessionId).length > 0);
  });
});

it.concurrent('a subscription stands for heartbeats from the start of a session that it was opened before', async () => {
  const token = await service.token('ann');
  const { record } = await createToken(service, token);
  const { sessionId, avatarSessionId } = record;
  using _tab = await watchBySocket(token, avatarSessionId);
  await post(service, token, TRACK_START, { input: { sessionId, avatarSessionId } });
  await waitFor(async () => callsTo(service, KEEP_ALIVE, avatarSessionId).length >= MORE_THAN_A_LAPSE);
  expect(await readRecord(service, token, record.id)).toMatchObject({ status: 'ACTIVE' });
});

it.concurrent.each([
  ['a foreign session', (foreign: string) => foreign],
  ['an unknown session', () => 'no-such-stream'],
])('%s in a subscription is answered like none and changes nothing', async (name, pick) => {
  const [owner, caller] = [await service.token(`owner of ${name}`), await service.token(`caller of ${name}`)];
  const foreign = await startSession(service, owner);
  const mine = await startSession(service, caller);
  using without = await openSocket(service);
  using foreigner = await openSocket(service);
  using tab = await openSocket(service);
  const answers = [];
  for (const [socket, avatarSessionId] of [
    [without, null],
    [foreigner, pick(foreign.avatarSessionId)],
    [tab, mine.avatarSessionId],
  ] as const) {
    await socket.connect({ authorization: `Bearer ${caller}` });
    const query = `subscription ($id: ID) { quotaUpdated(avatarSessionId: $id) { reason quota { version } record { id } } }`;
    answers.push(await socket.run('watch', { query, variables: { id: avatarSessionId } }));
  }
  expect(answers[1]).toEqual(answers[0]);

  // the caller's own heartbeats go by in the same rhythm
  await waitFor(async () => callsTo(service, KEEP_ALIVE, mine.avatarSessionId).length >= MORE_THAN_A_LAPSE);
  expect(callsTo(service, KEEP_ALIVE, foreign.avatarSessionId)).toEqual([]);
  // and for want of any, the foreign session is not ended
  expect(Date.now() - Date.parse(foreign.startedAt)).toBeGreaterThan(LAPSE_MS);
  expect(await readRecord(service, owner, foreign.id)).toMatchObject({ status: 'ACTIVE' });
  const rows = await service.database.query(
    'SELECT count(last_heartbeat_at)::integer AS heartbeats FROM avatar_usage_records WHERE avatar_session_id = $1',
    [foreign.avatarSessionId],
  );
  expect(rows).toEqual([{ heartbeats: 0 }]);
});
