import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createTokenSeal } from '../../../src/app/token-seal.ts';
import { createPrisma } from '../../../src/database/prisma.ts';
import { createUsageRecords } from '../../../src/database/usage-records.ts';
import { createUsageReader } from '../../../src/database/usage-summary.ts';
import type { QuotaEvents } from '../../../src/domain/events.ts';
import { createPostgresEvents } from '../../../src/live/postgres-events.ts';
import { createAuthenticator } from '../../../src/server/auth.ts';
import { createHttpServer, listen } from '../../../src/server/http.ts';
import { issueToken } from '../../../src/server/issue-token.ts';
import { createProxyTokens } from '../../../src/server/proxy-tokens.ts';
import { createRest } from '../../../src/server/rest/rest.ts';
import { closeHttp } from '../../../src/server/shutdown.ts';
import { createSdkEndpoint } from '../../../src/server/vendor-sdk/endpoint.ts';
import { attachWebSocket } from '../../../src/server/websocket.ts';
import { createPipeline } from '../../../src/server/yoga.ts';
import { createLiveAvatarVendor } from '../../../src/vendors/liveavatar/liveavatar-vendor.ts';
import { socketClient } from '../../support/clients.ts';
import { cutOff } from '../../support/outage.ts';
import { openStream } from '../../support/sse.ts';
import { createTestStore } from '../../support/store.ts';
import { waitFor } from '../../support/wait-for.ts';

/** In none of these does anything happen to the quota that could wake a subscription. */

it('a subscription that is unsubscribed from leaves no listener', async () => {
  await using test = await startTransports();
  await using client = socketClient(test, await test.token());
  const inbox = client.watchQuota();
  await inbox.take(1);
  expect(test.listeners()).toBe(1);
  inbox.unsubscribe();
  await waitFor(async () => test.listeners() === 0);
});

it('a socket that breaks leaves no listener', async () => {
  await using test = await startTransports();
  await using client = socketClient(test, await test.token(), { retryAttempts: 0 });
  const inboxes = [client.watchQuota(), client.watchQuota(), client.watchQuota()];
  await Promise.all(inboxes.map((inbox) => inbox.take(1)));
  expect(test.listeners()).toBe(3);
  client.terminate();
  await waitFor(async () => test.listeners() === 0);
});

it('a stream of events that is hung up leaves no listener', async () => {
  await using test = await startTransports();
  const stream = await openStream(test, await test.token());
  await stream.events.take(1);
  expect(test.listeners()).toBe(1);
  await stream[Symbol.asyncDispose]();
  await waitFor(async () => test.listeners() === 0);
});

it('a token that expires leaves no listener', async () => {
  await using test = await startTransports();
  await using stream = await openStream(test, await test.token(1));
  await stream.events.ended();
  expect(test.listeners()).toBe(0);
});

it('a subscription that cannot begin leaves no listener', async () => {
  await using test = await startTransports();
  await using _outage = await cutOff(test.database);
  await using client = socketClient(test, await test.token());
  await client.watchQuota().ended();
  expect(test.listeners()).toBe(0);
});

it('a subscription that is canceled while its snapshot is read leaves no listener', async () => {
  await using test = await startTransports();
  await using client = socketClient(test, await test.token());
  const inbox = client.watchQuota();
  await waitFor(async () => test.listeners() === 1);
  inbox.unsubscribe();
  await waitFor(async () => test.listeners() === 0);
});

/** The transports over a store of the test, with the listeners of its events counted. */
async function startTransports() {
  await using parts = new AsyncDisposableStack();
  const test = parts.use(await createTestStore());
  const { pool, policy, store } = test;
  const clock = () => new Date();
  const events = await createPostgresEvents({
    url: test.database.url,
    onDue: () => {},
    onQuotaThreshold: () => {},
    onAccountThreshold: () => {},
    onConnectionError: () => {},
  });
  parts.defer(() => events.close());
  const counted = countListeners(events);
  const auth = { kind: 'secret', secret: 's'.repeat(32), issuer: null, audience: null } as const;
  const rules = { ...auth, roleClaim: 'role', adminRole: 'admin' };
  const authenticator = createAuthenticator(rules, clock);
  const log = pino({ level: 'silent' });
  const prisma = createPrisma(pool);
  const deps = {
    store,
    usage: createUsageReader({
      pool,
      billingTimeZone: policy.billingTimeZone,
      clock,
    }),
    records: createUsageRecords(prisma),
    prisma,
    events: counted.events,
    vendor: createLiveAvatarVendor({ baseUrl: 'http://127.0.0.1:1', apiKey: 'key', mode: 'FULL', avatars: {} }),
    balance: { covers: async () => true, credits: () => null },
    delivery: 'direct' as const,
    proxyTokens: createProxyTokens(['secret']),
    policy,
    clock,
    pause: async () => {},
    seal: createTokenSeal(['a secret']),
    presence: { watch: () => () => {} },
    onBackgroundError: () => {},
  };
  const pipeline = createPipeline({ deps, authenticator, graphiql: null, log });
  const rest = createRest({ deps, authenticator, log });
  const sdk = createSdkEndpoint({ prefix: '/sdk/', calls: {}, successCode: 1000, log });
  const server = createHttpServer({
    pipeline,
    rest,
    startPage: () => {},
    judgeOrigin: () => 'none',
    readiness: async () => ({}),
    sdk,
    metrics: null,
    log,
  });
  const sockets = attachWebSocket({
    server,
    pipeline,
    authenticator,
    sdkSocket: null,
    judgeOrigin: () => 'none',

    clock,
    log,
  });
  const port = await listen(server, 0, '127.0.0.1');
  parts.defer(() => closeHttp(server));
  parts.defer(() => sockets.close());

  const running = parts.move();
  return {
    url: `http://127.0.0.1:${port}`,
    webSocketUrl: `ws://127.0.0.1:${port}/graphql`,
    database: test.database,
    listeners: counted.count,
    token: (ttlSeconds = 3600) => issueToken({ ...rules, userId: 'ann', admin: false, ttlSeconds }, clock),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function countListeners(events: QuotaEvents) {
  let count = 0;
  return {
    count: () => count,
    events: {
      subscribe(userId, listener) {
        const unsubscribe = events.subscribe(userId, listener);
        count += 1;
        return () => {
          unsubscribe();
          count -= 1;
        };
      },
    } satisfies QuotaEvents,
  };
}
