import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { socketClient } from '../support/clients.ts';
import { Inbox } from '../support/inbox.ts';
import { createToken, endSession, startSession } from '../support/operations.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { firstVersion } from '../support/versions.ts';

it.concurrent('what one node does another one pushes', async () => {
  await using service = await startTestService();
  await using other = await service.anotherNode();
  const token = await service.token('ann');
  await using client = socketClient(other, token);
  const inbox = client.watchQuota();
  await inbox.take(1);
  const { avatarSessionId } = await startSession(service, token);
  await endSession(other, token, avatarSessionId);
  expect((await inbox.take(4)).map(({ reason, quota }) => [reason, quota.version - firstVersion()])).toEqual([
    ['SNAPSHOT', 0],
    ['TOKEN_CREATED', 1],
    ['SESSION_STARTED', 2],
    ['SESSION_ENDED', 3],
  ]);
});

it.concurrent('a change that was published while the LISTEN connection was down is pushed as a snapshot', async () => {
  await using service = await startTestService();
  const [ann, bob] = await Promise.all([service.token('ann'), service.token('bob')]);
  await using annsClient = socketClient(service, ann);
  await using bobsClient = socketClient(service, bob);
  const [annsInbox, bobsInbox] = [annsClient.watchQuota(), bobsClient.watchQuota()];
  await Promise.all([annsInbox.take(1), bobsInbox.take(1)]);

  await service.database.query(`
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'avatar-quota events'`);
  await createToken(service, ann);
  expect((await annsInbox.take(2)).at(-1)).toMatchObject({
    reason: 'SNAPSHOT',
    quota: { version: firstVersion() + 1, heldSeconds: 1800 },
  });

  // The service cannot know that nothing of bob's has changed.
  await bobsInbox.take(2);
  await createToken(service, bob);
  expect((await bobsInbox.take(3)).map(({ reason, quota }) => [reason, quota.version - firstVersion()])).toEqual([
    ['SNAPSHOT', 0],
    ['SNAPSHOT', 0],
    ['TOKEN_CREATED', 1],
  ]);
});

it.concurrent('a client that stops reading holds up neither another one nor the service', async () => {
  await using service = await startTestService();
  const token = await service.token('ann');
  await using reader = socketClient(service, token);
  const inbox = reader.watchQuota();
  const sleepers = [openSocket(service, token), openSocket(service, token)] as const;
  await Promise.all([inbox, ...sleepers.map((sleeper) => sleeper.inbox)].map((one) => one.take(1)));

  for (const { socket } of sleepers) socket.pause();
  const changes = 1500;
  await tellChanges(service, changes);
  const last = firstVersion() + changes;
  await inbox.find(({ quota }) => quota.version === last);
  expect(inbox.messages).toHaveLength(changes + 1);

  // the one that wakes up receives the newest messages; those that were dropped are lost
  const [woken, gone] = sleepers;
  woken.socket.resume();
  await woken.inbox.find((version) => version === last);
  expect(woken.inbox.messages.length).toBeLessThan(changes);
  expect(woken.inbox.messages).toEqual(woken.inbox.messages.toSorted((a, b) => a - b));

  const stopping = Date.now();
  await service.stop();
  expect(Date.now() - stopping).toBeLessThan(8_000);
  gone.socket.terminate();
});

/** Tells changes of ann's quota as the database does, without making them. */
async function tellChanges({ database }: TestService, count: number): Promise<void> {
  await database.query(
    `SELECT pg_notify('quota_events', json_build_array(json_build_object(
      'userId', 'ann', 'period', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM'), 'version', version, 'reason', 'corrected',
      'at', (extract(epoch FROM now()) * 1000)::bigint, 'recordId', NULL
    ))::text)
    FROM generate_series($1::integer + 1, $1::integer + $2::integer) AS version`,
    [firstVersion(), count],
  );
}

/** A socket whose messages are large enough to fill what the operating system buffers; its inbox has their versions. */
function openSocket({ webSocketUrl }: TestService, token: string) {
  const socket = new WebSocket(webSocketUrl, 'graphql-transport-ws');
  const inbox = new Inbox<number>();
  const query = `subscription { quotaUpdated { quota { version } ${aliases('at')} } }`;
  socket.on('open', () => {
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  });
  socket.on('message', (data) => {
    const { type, payload } = JSON.parse(String(data));
    if (type === 'connection_ack') socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
    if (type === 'next') inbox.deliver(payload.data.quotaUpdated.quota.version);
  });
  return { socket, inbox };
}

function aliases(field: string): string {
  return Array.from({ length: 15 }, (_, index) => `${'a'.repeat(1_500)}${index}: ${field}`).join(' ');
}
