import type pg from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { ComparedClock } from '../database/decision-clock.ts';
import { readServiceStats } from '../database/service-stats.ts';
import { createUsageRecords } from '../database/usage-records.ts';
import type { GraphQLDeps } from '../graphql/context.ts';
import type { PostgresEvents } from '../live/postgres-events.ts';
import type { Authenticator } from '../server/auth.ts';
import { graphiqlOptions } from '../server/graphiql.ts';
import { createHttpServer, listen } from '../server/http.ts';
import { createMetrics } from '../server/metrics.ts';
import { createOriginPolicy } from '../server/origin.ts';
import { createRest } from '../server/rest/rest.ts';
import { closeHttp } from '../server/shutdown.ts';
import { createStartPage } from '../server/start-page.ts';
import { createHeyGenEndpoint } from '../server/vendor-sdk/heygen.ts';
import { createHeyGenChat } from '../server/vendor-sdk/heygen-chat.ts';
import { createLiveAvatarEndpoint } from '../server/vendor-sdk/liveavatar.ts';
import type { SessionEndDeps } from '../server/vendor-sdk/session-end.ts';
import { attachWebSocket } from '../server/websocket.ts';
import { createPipeline } from '../server/yoga.ts';
import type { ConnectedVendor } from './vendor.ts';

interface WebOptions {
  readonly config: Config;
  readonly deps: GraphQLDeps;
  readonly connected: ConnectedVendor;
  readonly pool: pg.Pool;
  /** Null where the clock is not compared with the database's. */
  readonly comparedClock: ComparedClock | null;
  readonly events: PostgresEvents;
  readonly authenticator: Authenticator;
  /** Filled into GraphiQL. */
  readonly demoToken: string | null;
  readonly log: Logger;
}

/** Everything that listens: GraphQL, REST, the vendor's SDK, health and metrics. Resolves with the port. */
export async function openWeb(options: WebOptions, parts: AsyncDisposableStack): Promise<number> {
  const { config, deps, pool, comparedClock, events, authenticator, log } = options;
  const judgeOrigin = createOriginPolicy({
    origins: config.corsOrigins,
    allowLocalhost: config.mode === 'embedded',
    log,
  });
  const { vendor, balance, clock } = deps;
  const pipeline = createPipeline({
    deps,
    authenticator,
    graphiql: config.graphiql ? graphiqlOptions(options.demoToken) : null,
    log,
  });
  const rest = createRest({
    deps: { ...deps, records: createUsageRecords(deps.prisma) },
    authenticator,
    log,
  });
  const sdk = answerSdk(options.connected, deps, log);
  const server = createHttpServer({
    pipeline,
    rest,
    startPage: createStartPage({
      graphiql: config.graphiql,
      metrics: config.metrics,
      sdkPrefix: sdk.endpoint.prefix,
    }),
    judgeOrigin,
    readiness: async () => ({
      database: await answers(pool),
      events: events.isConnected(),
      clock: comparedClock?.isTrusted() ?? true,
    }),
    sdk: sdk.endpoint,
    log,
    metrics: config.metrics
      ? createMetrics({
          readStats: () => readServiceStats(pool, vendor, config.policy.billingTimeZone, clock()),
          vendorCredits: balance.credits,
          clockOffsetSeconds: () => comparedClock?.offsetSeconds() ?? null,
        })
      : null,
  });
  const sockets = attachWebSocket({
    server,
    pipeline,
    authenticator,
    sdkSocket: sdk.socket,
    judgeOrigin,
    clock,
    log,
  });
  const port = await listen(server, config.port, config.host);
  parts.defer(async () => {
    await Promise.all([closeHttp(server), sockets.close()]);
  });
  return port;
}

/** What answers the vendor's own SDK in the vendor's place. */
function answerSdk(connected: ConnectedVendor, app: SessionEndDeps, log: Logger) {
  const exchanging = new Set<string>();
  if (connected.api === 'liveavatar') {
    return { endpoint: createLiveAvatarEndpoint({ ...app, exchanging, sdk: connected.sdk }, log), socket: null };
  }
  const deps = { ...app, exchanging, sdk: connected.sdk };
  return { endpoint: createHeyGenEndpoint(deps, log), socket: createHeyGenChat(deps, log) };
}

function answers(pool: pg.Pool): Promise<boolean> {
  return pool.query('SELECT').then(
    () => true,
    () => false,
  );
}
