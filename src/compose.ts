import type { Logger } from 'pino';
import { deliverStops } from './app/deliver-stops.ts';
import type { AppDeps } from './app/deps.ts';
import { trackHeartbeat } from './app/track-heartbeat.ts';
import { createVendorBalance } from './app/vendor-balance.ts';
import { startReconciliation } from './compose-reconciliation.ts';
import { type ConnectedVendor, createVendor } from './compose-vendor.ts';
import type { Config } from './config.ts';
import { openAccount } from './database/account.ts';
import { fillCalendar } from './database/calendar.ts';
import { createDueWork } from './database/due-work.ts';
import { startEmbeddedPostgres } from './database/embedded.ts';
import { migrate } from './database/migrate.ts';
import { createPool } from './database/pool.ts';
import { createPrisma } from './database/prisma.ts';
import { createQuotaStore } from './database/quota-store.ts';
import { readServiceStats } from './database/service-stats.ts';
import { createUsageRecords } from './database/usage-records.ts';
import { createUsageReader } from './database/usage-summary.ts';
import { seedDemoUser } from './demo.ts';
import type { Clock } from './domain/clock.ts';
import { heartbeatLapseSeconds } from './domain/policy.ts';
import type { GraphQLDeps } from './graphql/context.ts';
import { createPostgresEvents } from './live/postgres-events.ts';
import { createPresence } from './live/presence.ts';
import { type Sweeper, startSweeper } from './live/sweeper.ts';
import { createAuthenticator } from './server/auth.ts';
import { type DemoTokens, issueDemoTokens } from './server/demo-tokens.ts';
import { resolveAuth } from './server/dev-secret.ts';
import { graphiqlOptions } from './server/graphiql.ts';
import { createHttpServer, listen } from './server/http.ts';
import { createMetrics } from './server/metrics.ts';
import { createRest } from './server/rest/rest.ts';
import { closeHttp } from './server/shutdown.ts';
import { createHeyGenEndpoint } from './server/vendor-sdk/heygen.ts';
import { createHeyGenChat } from './server/vendor-sdk/heygen-chat.ts';
import { createLiveAvatarEndpoint } from './server/vendor-sdk/liveavatar.ts';
import { attachWebSocket } from './server/websocket.ts';
import { createPipeline } from './server/yoga.ts';

export interface Service {
  /** Such as `http://127.0.0.1:4000`. */
  readonly url: string;
  /** In embedded mode only. */
  readonly demo: DemoTokens | null;
  /** Stops taking work, finishes what is under way, and leaves nothing behind. */
  stop(): Promise<void>;
}

/** Puts the service together and starts it. What was started is stopped again if a later part fails. */
export async function startService(config: Config, log: Logger, clock: Clock = () => new Date()): Promise<Service> {
  await using parts = new AsyncDisposableStack();
  const warn = (message: string) => (error: unknown) => log.warn({ err: error }, message);

  const databaseUrl = config.databaseUrl ?? (await embeddedDatabase(config, parts));
  await migrate(databaseUrl);
  const pool = createPool({ url: databaseUrl, onError: warn('A database connection broke') });
  parts.defer(() => pool.end());
  await fillCalendar(pool, config.policy.billingTimeZone, clock());
  await openAccount(pool, config.policy);
  const connected = await createVendor(config.vendor, clock, parts);
  const { vendor } = connected;

  const { policy } = config;
  const balance = createVendorBalance({ vendor, clock, onError: warn("The vendor's credits could not be read") });
  let sweeper: Sweeper | undefined;
  const events = await createPostgresEvents({
    url: databaseUrl,
    onDue: (at) => sweeper?.wake(at),
    onAccountThreshold: ({ period, thresholdPercent }) =>
      log.warn({ period, thresholdPercent }, "What is used and held has reached this share of the account's ceiling"),
    onConnectionError: warn('The connection that hears of changes broke; it is made anew'),
  });
  parts.defer(() => events.close());
  const app: AppDeps = {
    store: createQuotaStore({ pool, policy, clock }),
    vendor,
    balance,
    policy,
    clock,
    onBackgroundError: warn('A call succeeded, but what follows from it failed'),
  };
  const presence = createPresence({
    beat: (userId, avatarSessionId) =>
      trackHeartbeat(app, { userId }, { avatarSessionId, wordsSpoken: null, messagesCount: null }),
    intervalSeconds: policy.heartbeatSeconds,
    onError: warn('A heartbeat could not be noted'),
  });
  parts.defer(() => presence.stop());
  const deps: GraphQLDeps = {
    ...app,
    usage: createUsageReader({ pool, billingTimeZone: policy.billingTimeZone, clock }),
    prisma: createPrisma(pool),
    events,
    presence,
  };

  const auth = await resolveAuth(config);
  const authenticator = createAuthenticator(auth, clock);
  const demo = config.mode === 'embedded' && auth.kind === 'secret' ? await issueDemoTokens(auth, clock) : null;
  // Before the sweeper starts: it would end these sessions of the past while they are being written. No other vendor is
  // told of them, as no other would know them.
  if (demo && config.vendor.kind === 'simulator')
    await seedDemoUser({ pool, policy, userId: demo.userId, now: clock() });

  const work = createDueWork({ pool, policy, vendorName: vendor.name, clock });
  sweeper = startSweeper({
    work,
    deliverStops: (which) => deliverStops({ work, vendor, clock }, which),
    heartbeatLapseSeconds: heartbeatLapseSeconds(policy),
    clock,
    onError: warn('What is due could not be done; it is tried again'),
  });
  parts.defer(() => sweeper.stop());
  const reconciler = startReconciliation(
    { pool, policy, vendor, clock },
    config.reconcileIntervalSeconds,
    warn('The books could not be compared with the vendor’s to the end; the next run takes it up'),
  );
  parts.defer(() => reconciler?.stop());

  const pipeline = createPipeline({
    deps,
    authenticator,
    corsOrigins: config.corsOrigins,
    graphiql: config.graphiql ? graphiqlOptions(demo?.userToken ?? null) : null,
    log,
  });
  const rest = createRest({
    deps: { ...deps, records: createUsageRecords(deps.prisma) },
    authenticator,
    corsOrigins: config.corsOrigins,
    log,
  });
  const sdk = answerSdk(connected, app, config, log);
  const server = createHttpServer({
    pipeline,
    rest,
    readiness: async () => ({
      database: await pool.query('SELECT').then(
        () => true,
        () => false,
      ),
      events: events.isConnected(),
    }),
    sdk: sdk.endpoint,
    log,
    metrics: config.metrics
      ? createMetrics({ readStats: () => readServiceStats(pool, vendor, clock()), vendorCredits: balance.credits })
      : null,
  });
  const sockets = attachWebSocket({
    server,
    pipeline,
    authenticator,
    sdkSocket: sdk.socket,
    corsOrigins: config.corsOrigins,
    clock,
    log,
  });
  const port = await listen(server, config.port, config.host);
  parts.defer(async () => {
    await Promise.all([closeHttp(server), sockets.close()]);
  });

  const running = parts.move();
  return { url: `http://${hostName(config.host)}:${port}`, demo, stop: () => running.disposeAsync() };
}

/** What answers the vendor's own SDK in the vendor's place. */
function answerSdk(connected: ConnectedVendor, app: AppDeps, { corsOrigins }: Config, log: Logger) {
  if (connected.api === 'liveavatar') {
    return { endpoint: createLiveAvatarEndpoint({ ...app, sdk: connected.sdk }, corsOrigins, log), socket: null };
  }
  const deps = { ...app, sdk: connected.sdk };
  return { endpoint: createHeyGenEndpoint(deps, corsOrigins, log), socket: createHeyGenChat(deps, log) };
}

async function embeddedDatabase({ dataDir }: Config, parts: AsyncDisposableStack): Promise<string> {
  const postgres = await startEmbeddedPostgres({ dataDir });
  parts.defer(() => postgres.stop());
  return postgres.url;
}

/** The name under which a listening address can be opened. */
function hostName(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
