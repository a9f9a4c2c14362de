import type { ServerResponse } from 'node:http';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Micros } from '../domain/money.ts';
import type { ServiceStats } from '../domain/service-stats.ts';

export interface Metrics {
  /** `/metrics`, for Prometheus: read from the database at each scrape, so every node tells the same; 503 without it. */
  answer(response: ServerResponse): Promise<void>;
}

const MICROS_PER_CREDIT = 1_000_000;

const GAUGES: readonly (readonly [keyof ServiceStats, string, string])[] = [
  ['activeSessions', 'avatar_quota_active_sessions', 'Sessions that run.'],
  ['unusedTokens', 'avatar_quota_unused_tokens', 'Tokens whose quota is held and that were not used yet.'],
  ['pendingStops', 'avatar_quota_pending_stops', 'Stops that the vendor has not confirmed.'],
  [
    'oldestPendingStopSeconds',
    'avatar_quota_oldest_pending_stop_seconds',
    'Seconds since the oldest unconfirmed stop was asked for.',
  ],
  ['overdue', 'avatar_quota_overdue', 'Records and thresholds whose time has come and that no sweeper has taken yet.'],
  [
    'accountCost',
    'avatar_quota_account_cost',
    "What all users together have used and hold this month, in the deployment's currency; 0 without a ceiling.",
  ],
  [
    'unreconciledRecords',
    'avatar_quota_unreconciled_records',
    'Ended sessions that were not compared with the vendor’s books yet.',
  ],
  [
    'setAsideSessions',
    'avatar_quota_set_aside_sessions',
    'Sessions that could not be compared with the vendor’s books, and are tried again at every run.',
  ],
  [
    'unattributedSessions',
    'avatar_quota_unattributed_sessions',
    'Sessions of this month on the vendor’s lists that no token of this service explains.',
  ],
  [
    'secondsSinceReconciliation',
    'avatar_quota_seconds_since_reconciliation',
    'Seconds since the last comparison with the vendor’s books that came to its end began; +Inf if there was none.',
  ],
];

interface MetricsOptions {
  readonly readStats: () => Promise<ServiceStats>;
  /** Millionths of a credit, as last heard; null while they are not known. */
  readonly vendorCredits: () => Micros | null;
  /** Positive when this node's clock is ahead of the database's; null while it was not compared. */
  readonly clockOffsetSeconds: () => number | null;
}

export function createMetrics({ readStats, vendorCredits, clockOffsetSeconds }: MetricsOptions): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauges = GAUGES.map(([key, name, help]) => [key, new Gauge({ name, help, registers: [registry] })] as const);
  const credits = new Gauge({
    name: 'avatar_quota_vendor_credits',
    help: "The vendor's credits, as this node heard them last; NaN while it does not know them.",
    registers: [registry],
  });
  const clockOffset = new Gauge({
    name: 'avatar_quota_clock_offset_seconds',
    help: "The number of seconds that this node's clock is ahead of the database's; NaN while it was not compared.",
    registers: [registry],
  });
  return {
    async answer(response) {
      const stats = await readStats().catch(() => null);
      if (!stats) {
        response.writeHead(503, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ message: 'The database does not answer.' }));
        return;
      }
      for (const [key, gauge] of gauges) gauge.set(stats[key]);
      const known = vendorCredits();
      credits.set(known === null ? Number.NaN : Number(known) / MICROS_PER_CREDIT);
      clockOffset.set(clockOffsetSeconds() ?? Number.NaN);
      response.writeHead(200, { 'content-type': registry.contentType });
      response.end(await registry.metrics());
    },
  };
}
