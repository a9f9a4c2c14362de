import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { AppDeps } from './app/deps.ts';
import { createTokenSeal } from './app/token-seal.ts';
import { trackHeartbeat } from './app/track-heartbeat.ts';
import { createVendorBalance } from './app/vendor-balance.ts';
import { openDatabase } from './compose/database.ts';
import { startReconciliation } from './compose/reconciliation.ts';
import { startSweeper } from './compose/sweeper.ts';
import { tokenSecrets } from './compose/token-secrets.ts';
import { createVendor } from './compose/vendor.ts';
import { watchClock } from './compose/watch-clock.ts';
import { type DatabaseWatch, watchDatabase } from './compose/watch-database.ts';
import { isVendorOutage, watchVendor } from './compose/watch-vendor.ts';
import { openWeb } from './compose/web.ts';
import type { Config } from './config.ts';
import { ClockOffsetError, uncomparedClock } from './database/decision-clock.ts';
import { createDecisions } from './database/decisions.ts';
import { isUnreachable } from './database/errors.ts';
import { createPrisma } from './database/prisma.ts';
import { createQuotaStore } from './database/quota-store.ts';
import { createUsageReader } from './database/usage-summary.ts';
import { DEMO_USER, prepareDemoUser } from './demo.ts';
import type { Clock } from './domain/clock.ts';
import { LIMIT_REACHED_PERCENT } from './domain/thresholds.ts';
import type { GraphQLDeps } from './graphql/context.ts';
import { createPostgresEvents } from './live/postgres-events.ts';
import { createPresence } from './live/presence.ts';
import type { Sweeper } from './live/sweeper.ts';
import { createAuthenticator } from './server/auth.ts';
import { type DemoTokens, issueDemoTokens } from './server/demo-tokens.ts';
import { resolveAuth } from './server/dev-secret.ts';
import { createProxyTokens } from './server/proxy-tokens.ts';

export interface Service {
  /** Such as `http://127.0.0.1:4000`. */
  readonly url: string;
  /** In embedded mode only. */
  readonly demo: DemoTokens | null;
  /** Stops taking work, finishes what is under way, and leaves nothing behind. */
  stop(): Promise<void>;
}

interface StartOptions {
  /** @default the machine's */
  readonly clock?: Clock;
  /** Whether the clock is compared with the database's. An artificial clock differs from it. @default true */
  readonly comparesClock?: boolean;
  /** Abandons the start. */
  readonly signal?: AbortSignal;
}

/**
 * Puts the service together and starts it. What was started is stopped again if a later part fails, or if the signal
 * abandons the start.
 */
export async function startService(
  config: Config,
  log: Logger,
  { clock = () => new Date(), comparesClock = true, signal = new AbortController().signal }: StartOptions = {},
): Promise<Service> {
  await using parts = new AsyncDisposableStack();
  const { policy } = config;
  let database: DatabaseWatch | undefined;
  /** What handles the errors of a part. Outages are logged once for all parts. */
  const report = (message: string) => (error: unknown) => {
    if (isVendorOutage(error) || error instanceof ClockOffsetError) return;
    if (!isUnreachable(error)) log.warn({ err: error }, message);
    else database?.suspect();
  };

  const onError = report('Idle database connection lost');
  const { url, pool } = await openDatabase({ config, log, onError, signal }, parts);
  const comparedClock = comparesClock ? watchClock(pool, clock, log) : null;
  await comparedClock?.compare();
  const decisionClock = comparedClock ?? uncomparedClock(clock);
  const decisions = createDecisions({ pool, policy, clock, decisionClock });
  // After a lost connection, or with a new one, the database may have failed over.
  pool.on('error', decisions.forget).on('remove', decisions.forget).on('connect', decisions.forget);
  const connected = await createVendor(config.vendor, clock, parts);
  const vendor = watchVendor(connected.vendor, clock, log);
  let sweeper: Sweeper | undefined;
  const events = await createPostgresEvents({
    url,
    onDue: (at) => sweeper?.wake(at),
    onQuotaThreshold: (threshold) =>
      log.info(
        threshold,
        threshold.thresholdPercent < LIMIT_REACHED_PERCENT ? 'Warning threshold crossed' : 'Limit reached',
      ),
    onAccountThreshold: (threshold) => log.warn(threshold, 'Account threshold reached'),
    onConnectionError: () => database?.suspect(),
  });
  parts.defer(() => events.close());
  database = watchDatabase({ probe: () => pool.query('SELECT'), isListening: events.isConnected, clock, log });
  parts.defer(() => database?.stop());

  const auth = await resolveAuth(config);
  const app: AppDeps = {
    store: createQuotaStore({ pool, policy, clock, decisions }),
    vendor,
    balance: createVendorBalance({ vendor, clock, onError: report('Vendor credits not read') }),
    delivery: config.tokenDelivery,
    proxyTokens: createProxyTokens(tokenSecrets(config, auth)),
    policy,
    clock,
    pause: (milliseconds) => sleep(milliseconds),
    seal: createTokenSeal(tokenSecrets(config, auth)),
    onBackgroundError: report('Follow-up of a successful call failed'),
  };
  const presence = createPresence({
    beat: (userId, avatarSessionId) =>
      trackHeartbeat(app, { userId }, { avatarSessionId, wordsSpoken: null, messagesCount: null }),
    intervalSeconds: policy.heartbeatSeconds,
    onError: report('Heartbeat not recorded'),
  });
  parts.defer(() => presence.stop());
  const prisma = createPrisma(pool);
  const { billingTimeZone } = policy;
  const deps: GraphQLDeps = {
    ...app,
    usage: createUsageReader({ pool, billingTimeZone, clock }),
    prisma,
    events,
    presence,
  };

  const authenticator = createAuthenticator(auth, clock);
  let demo: DemoTokens | null = null;
  if (config.mode === 'embedded' && auth.kind === 'secret') {
    // Before the sweeper starts: it would end these sessions of the past while they are being written. Other vendors would
    // not know the sessions.
    const userId =
      config.vendor.kind === 'simulator' ? await prepareDemoUser({ pool, policy, now: clock() }) : DEMO_USER;
    demo = await issueDemoTokens(auth, userId, clock);
  }

  const expectsFigures = config.reconcileIntervalSeconds > 0 && vendor.capabilities.list;
  sweeper = startSweeper(app, { pool, decisionClock, decisions, expectsFigures }, report('Sweep failed, retrying'));
  parts.defer(() => sweeper.stop());
  const reconciler = startReconciliation(
    { pool, policy, vendor, clock, decisionClock, decisions },
    {
      intervalSeconds: config.reconcileIntervalSeconds,
      windowSeconds: config.reconcileWindowSeconds,
      onSetAside: (sessions) => log.warn({ sessions }, 'Sessions not reconciled, set aside for the next run'),
      onError: report('Reconciliation interrupted, the next run resumes it'),
    },
  );
  parts.defer(() => reconciler?.stop());

  const demoToken = demo?.userToken ?? null;
  const port = await openWeb(
    { config, deps, connected, pool, comparedClock, events, authenticator, demoToken, log },
    parts,
  );

  const running = parts.move();
  const stop = async () => {
    log.info('Shutting down');
    await running.disposeAsync();
    log.info('Shut down');
  };
  return { url: `http://${hostName(config.host)}:${port}`, demo, stop };
}

/** The name under which a listening address can be opened. */
function hostName(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
