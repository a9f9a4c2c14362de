import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startSimulator } from '../../src/vendors/simulator/server.ts';
import { createTestDatabase } from '../support/database.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { CREATE_TOKEN, createToken, endSession, QUOTA_UPDATED, startSession } from '../support/operations.ts';
import { startProxiedService } from '../support/proxied-service.ts';
import { openSocket } from '../support/raw-socket.ts';
import { post } from '../support/service.ts';
import { issueUserToken, settingsFor, VENDOR_KEY } from '../support/settings.ts';
import { openStream } from '../support/sse.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { callsTo, MINT, STOP } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

/** What Docker grants before it kills. */
const GRACE_MS = 10_000;
/** With clients that answer, nothing has to be waited for but the end of what is under way. */
const SOON_MS = 4_000;
/** What the tests before have left behind is gone after this. */
const SETTLE_MS = 3_000;

it('SIGTERM ends sockets and streams at once, finishes what is under way and leaves nothing', {
  timeout: 60_000,
}, async () => {
  await using node = await startNode();
  const token = await issueUserToken('ann');
  const sockets = await Promise.all([watch(node, token), watch(node, token), openSocket(node)]);
  const streams = await Promise.all([openStream(node, token), openStream(node, token)]);
  await Promise.all(streams.map(({ events }) => events.take(1)));
  const { avatarSessionId } = await startSession(node, token);
  node.toVendor.silence();
  await endSession(node, token, avatarSessionId);
  const underWay = createToken(node, await issueUserToken('bob'));
  await waitFor(async () => (await node.database.query(`SELECT FROM usage_quotas WHERE user_id = 'bob'`)).length === 1);

  const from = Date.now();
  const ended = node.end('SIGTERM');
  const closes = await Promise.all(sockets.map(({ closed }) => closed));
  await Promise.all(streams.map(({ events }) => events.ended()));
  const clientsNotifiedAfter = Date.now() - from;
  await expect(fetch(`${node.url}/healthz`)).rejects.toThrow();
  await node.toVendor.open();

  expect(await underWay).toMatchObject({ __typename: 'CreateTokenSuccess' });
  expect(await ended).toEqual({ code: 0, signal: null });
  const endedAfter = Date.now() - from;
  console.log(`Clients were notified after ${clientsNotifiedAfter} ms, the process ended after ${endedAfter} ms`);
  expect(closes.map(({ code }) => code)).toEqual([1012, 1012, 1012]);
  expect(clientsNotifiedAfter).toBeLessThan(2_000);
  expect(endedAfter).toBeLessThan(SOON_MS);
  expect([node.errors(), node.output().match(/"level":"?(50|60|error|fatal)/g)]).toEqual(['', null]);
  // the stop was pending, and is confirmed before the end
  expect(await node.database.query('SELECT FROM vendor_stops WHERE confirmed_at IS NULL')).toEqual([]);
  expect(callsTo(node, MINT)).toHaveLength(2);
  expect(await node.database.query(CONNECTIONS)).toEqual([]);
});

it('SIGTERM is obeyed in time while the vendor says nothing, and the next start delivers the stops', {
  timeout: 90_000,
}, async () => {
  await using node = await startNode();
  const token = await issueUserToken('ann');
  const { avatarSessionId } = await startSession(node, token);
  node.toVendor.silence();
  await endSession(node, token, avatarSessionId);
  const underWay = post(node, await issueUserToken('bob'), CREATE_TOKEN, { input: { sessionId: 'chat' } }).catch(
    () => 'cut off',
  );
  await waitFor(async () => (await node.database.query(`SELECT FROM usage_quotas WHERE user_id = 'bob'`)).length === 1);

  const from = Date.now();
  expect(await node.end('SIGTERM')).toEqual({ code: 0, signal: null });
  console.log(`With a vendor that says nothing the process ended after ${Date.now() - from} ms`);
  expect(Date.now() - from).toBeLessThan(GRACE_MS);
  expect(await underWay).toBe('cut off');
  expect(node.errors()).toBe('');

  await node.toVendor.open();
  await using next = await startNodeProcess(node.settings);
  await waitFor(
    async () => (await node.database.query('SELECT FROM vendor_stops WHERE confirmed_at IS NULL')).length === 0,
  );
  expect(callsTo(node, STOP, avatarSessionId).length).toBeGreaterThan(0);
  expect(await next.end('SIGTERM')).toEqual({ code: 0, signal: null });
});

it('SIGTERM is obeyed in time by clients that do not read, and by connections that say nothing', {
  timeout: 60_000,
}, async () => {
  await using node = await startNode();
  const token = await issueUserToken('ann');
  using deaf = await watch(node, token);
  deaf.fallSilent();
  const { port } = new URL(node.url);
  const idle = connect(Number(port), '127.0.0.1');
  const closed = Promise.withResolvers<void>();
  idle.on('error', () => {}).on('close', () => closed.resolve());
  idle.resume();
  await createToken(node, token);

  const from = Date.now();
  expect(await node.end('SIGTERM')).toEqual({ code: 0, signal: null });
  console.log(`With clients that do not answer the process ended after ${Date.now() - from} ms`);
  expect(Date.now() - from).toBeLessThan(GRACE_MS);
  await closed.promise;
});

it('a signal that comes twice is one, and a later one ends at once', async () => {
  await using node = await startNode();
  const socket = await watch(node, await issueUserToken('ann'));
  socket.fallSilent();
  let ended = false;
  const interrupted = Promise.all([node.end('SIGINT'), node.end('SIGINT')]).finally(() => {
    ended = true;
  });
  const health = () =>
    fetch(`${node.url}/healthz`).then(
      () => 'up',
      () => 'down',
    );
  await expect.poll(health, { timeout: SOON_MS }).toBe('down');
  expect(ended).toBe(false);
  const again = () => {
    if (!ended) void node.end('SIGINT');
    return ended;
  };
  await expect.poll(again, { interval: 200, timeout: 5_000 }).toBe(true);
  expect(await interrupted).toEqual([
    { code: 130, signal: null },
    { code: 130, signal: null },
  ]);
  socket[Symbol.dispose]();
});

it('a service that is stopped while its database says nothing does not hang', { timeout: 60_000 }, async () => {
  await using database = await createTestDatabase();
  await using service = await startProxiedService(database.url);
  const token = await service.token('ann');
  await createToken(service, token);
  service.toDatabase.silence();
  const underWay = createToken(service, token).catch((error) => String(error));
  const from = Date.now();
  await service.stop();
  console.log(`With a database that says nothing the service stopped after ${Date.now() - from} ms`);
  expect(Date.now() - from).toBeLessThan(GRACE_MS + 5_000);
  await underWay;
});

it('a service in this process leaves no handle and no timer behind', { timeout: 60_000 }, async () => {
  await using database = await createTestDatabase();
  const before = await leastResources();
  await startAndStop(database.url);
  await waitFor(async () => Object.entries(resources()).every(([kind, count]) => count <= (before[kind] ?? 0)));
});

/** What keeps this process busy once the tests before have let go: of each kind the least that is seen within a while. */
async function leastResources(): Promise<Record<string, number>> {
  const seen: Record<string, number>[] = [];
  for (const until = Date.now() + SETTLE_MS; Date.now() < until; await sleep(100)) seen.push(resources());
  const kinds = Object.keys(seen[0] ?? {});
  return Object.fromEntries(kinds.map((kind) => [kind, Math.min(...seen.map((counts) => counts[kind] ?? 0))]));
}

/** One whole life with clients of every kind. */
async function startAndStop(databaseUrl: string): Promise<void> {
  await using service = await startProxiedService(databaseUrl);
  const token = await service.token('ann');
  using socket = await watch(service, token);
  const stream = await openStream(service, token);
  await stream.events.take(1);
  const { avatarSessionId } = await startSession(service, token);
  await endSession(service, token, avatarSessionId);
  await service.stop();
  await Promise.all([socket.closed, stream.events.ended()]);
}

const CONNECTIONS = `
  SELECT application_name FROM pg_stat_activity
  WHERE datname = current_database() AND application_name LIKE 'avatar-quota%'`;

/** A node of its own over a database of the test, and a vendor whose network can fail. */
async function startNode() {
  await using parts = new AsyncDisposableStack();
  const database = parts.use(await createTestDatabase());
  const simulator = await startSimulator({ apiKey: VENDOR_KEY });
  parts.defer(() => simulator.close());
  const toVendor = parts.use(await startTcpProxy(Number(new URL(simulator.url).port)));
  const settings = {
    ...settingsFor(`http://127.0.0.1:${toVendor.port}`),
    DATABASE_URL: database.url,
    PORT: '0',
    MAX_CONCURRENT_SESSIONS: '10',
  };
  const node = parts.use(await startNodeProcess(settings));
  const running = parts.move();
  return { ...node, settings, database, simulator, toVendor, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** A socket with a subscription whose snapshot has come. */
async function watch(service: { webSocketUrl: string }, token: string) {
  const socket = await openSocket(service);
  await socket.connect({ authorization: `Bearer ${token}` });
  socket.send({ type: 'subscribe', id: '1', payload: { query: QUOTA_UPDATED } });
  const snapshot = await socket.inbox.find(({ type }) => type === 'next');
  expect(snapshot.payload).not.toHaveProperty('errors');
  return socket;
}

/** What keeps this process busy, each kind with its count. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo().sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
