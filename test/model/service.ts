import pg from 'pg';
import { auditBooks, type Imbalance } from '../../src/database/audit.ts';
import { createDueWork } from '../../src/database/due-work.ts';
import { enterPrice } from '../../src/database/prices.ts';
import { createQuotaStore } from '../../src/database/quota-store.ts';
import type { DueWork } from '../../src/domain/due-work.ts';
import { parseMoney } from '../../src/domain/money.ts';
import type { QuotaPolicy } from '../../src/domain/policy.ts';
import type { QuotaStore } from '../../src/domain/store.ts';
import type { TestStore } from '../support/store.ts';
import type { Instant } from './model.ts';
import type { NewPrice, PriceLine } from './prices.ts';
import type { QuotaView, RecordView, StopView } from './views.ts';

/** The clock of the second node is behind by so much. */
export const LAG_MS = [0, 1500] as const;

export const VENDOR = 'simulator';

/** An event that was published for one quota. */
export interface PublishedEvent {
  readonly userId: string;
  readonly period: string;
  readonly version: number;
  readonly reason: string;
}

export interface ObservedQuota extends QuotaView {
  readonly userId: string;
  readonly period: string;
  readonly version: number;
  readonly nextThresholdAt: Instant | null;
  /** When each threshold was crossed, by `minutes 80`. */
  readonly alerts: Map<string, Instant>;
}

export interface ObservedRecord {
  readonly id: string;
  readonly userId: string;
  readonly view: RecordView;
}

/** Everything that the database says after a step. */
export interface Observation {
  readonly quotas: readonly ObservedQuota[];
  readonly records: readonly ObservedRecord[];
  /** When each user is swept next. */
  readonly dueAt: ReadonlyMap<string, Instant>;
  readonly stops: ReadonlyMap<string, StopView>;
  /** Records whose ledger does not say what it should. */
  readonly misbooked: readonly unknown[];
  readonly imbalances: readonly Imbalance[];
  /** Published since the previous observation. */
  readonly events: readonly PublishedEvent[];
}

/** The real thing: two nodes over one database, and an observer that hears what they tell. */
export interface Service {
  readonly nodes: readonly [ServiceNode, ServiceNode];
  readonly pool: pg.Pool;
  readonly clock: { set(at: Instant): void };
  observe(): Promise<Observation>;
}

interface ServiceNode {
  readonly store: QuotaStore;
  /** Resolves with how many open records are at that price. */
  readonly enterPrice: (price: NewPrice) => Promise<number>;
  readonly work: DueWork;
}

const RECORDS = `
SELECT r.*, r.estimated_cost::text AS cost, r.held_cost::text AS held_cost_text,
  r.priced_cost::text AS priced_cost_text, r.token_hash IS NOT NULL AS attached, ledger.used,
  r.price_revision < coalesce(price.revision, 0) AS has_old_price
FROM avatar_usage_records AS r
LEFT JOIN LATERAL (
  SELECT json_object_agg(period, used) AS used
  FROM (
    SELECT l.period, json_build_object('seconds', sum(l.used_seconds), 'cost', sum(l.used_cost)::text) AS used
    FROM quota_ledger AS l
    WHERE l.record_id = r.id
    GROUP BY l.period
    HAVING sum(l.used_seconds) <> 0 OR sum(l.used_cost) <> 0
  ) AS month
) AS ledger ON true
CROSS JOIN LATERAL (
  SELECT sum(p.revision) AS revision
  FROM prices AS p
  WHERE p.vendor = r.vendor AND p.mode = r.vendor_mode AND p.currency = r.currency
) AS price`;

const QUOTAS = `
SELECT q.user_id, q.current_month, q.version, q.next_threshold_at, q.limits_changed_at IS NOT NULL AS limits_changed
FROM usage_quotas AS q`;

/** Settled once a month; ended exactly once; held what the ledger says. */
const MISBOOKED = `
SELECT r.id, r.status, array_agg(l.entry::text || ' ' || l.period || ' ' || l.reason ORDER BY l.id) AS entries
FROM avatar_usage_records AS r
JOIN quota_ledger AS l ON l.record_id = r.id
GROUP BY r.id
HAVING sum(l.held_seconds) <> r.held_seconds OR sum(l.held_cost) <> r.held_cost
  OR count(*) FILTER (WHERE l.entry = 'settle') <> count(DISTINCT l.period) FILTER (WHERE l.entry = 'settle')
  OR count(*) FILTER (WHERE l.entry IN ('settle', 'release') AND l.reason = r.end_reason::text)
    <> (r.end_reason IS NOT NULL)::integer`;

/** The nodes of one run, over an empty database. */
export async function startService(
  { pool, database }: TestStore,
  policy: QuotaPolicy,
): Promise<Service & AsyncDisposable> {
  await pool.query(
    `TRUNCATE usage_quotas, avatar_usage_records, quota_ledger, quota_alerts, vendor_stops, prices, account_budgets,
      account_state, account_alerts, quota_users`,
  );
  let now = 0;
  const node = (lag: number): ServiceNode => {
    const clock = () => new Date(now - lag);
    return {
      store: createQuotaStore({ pool, policy, clock }),
      enterPrice: (price) => enterPrice(pool, toDatedPrice(price, policy)),
      work: createDueWork({ pool, policy, vendorName: VENDOR, clock }),
    };
  };
  const nodes = [node(LAG_MS[0]), node(LAG_MS[1])] as const;

  const published: PublishedEvent[] = [];
  const observer = new pg.Client({ connectionString: database.url });
  observer.on('notification', ({ payload }) => published.push(...JSON.parse(payload ?? '')));
  await observer.connect();
  await observer.query('LISTEN quota_events');

  return {
    nodes,
    pool,
    clock: {
      set: (at) => {
        now = at;
      },
    },
    async observe() {
      // on the connection that listens: earlier events have arrived when it answers
      const records = await observer.query(RECORDS);
      const events = published.splice(0);
      const [quotas, due, stops, misbooked, imbalances] = await Promise.all([
        pool.query(QUOTAS),
        pool.query('SELECT user_id, due_at FROM quota_users WHERE due_at IS NOT NULL'),
        pool.query('SELECT record_id, reason, attempts, next_attempt_at FROM vendor_stops'),
        pool.query(MISBOOKED),
        auditBooks(pool),
      ]);
      return {
        quotas: await Promise.all(quotas.rows.map((row) => readQuota(nodes[0].store, row))),
        records: records.rows.map(toRecord),
        dueAt: new Map(due.rows.map((row) => [row.user_id, row.due_at.getTime()])),
        stops: new Map(
          stops.rows.map((row) => [
            row.record_id,
            { reason: row.reason, attempts: row.attempts, nextAttemptAt: instant(row.next_attempt_at) },
          ]),
        ),
        misbooked: misbooked.rows,
        imbalances,
        events,
      };
    },
    [Symbol.asyncDispose]: () => observer.end(),
  };
}

function toDatedPrice({ mode, effectiveFrom, perMinute, step, minimum }: NewPrice, { currency }: QuotaPolicy) {
  return {
    vendor: VENDOR,
    vendorMode: mode,
    currency,
    effectiveFrom: new Date(effectiveFrom),
    perMinute,
    billingStepSeconds: step,
    minimumSeconds: minimum,
  };
}

/** The figures as the service itself reads them. */
async function readQuota(store: QuotaStore, row: pg.QueryResultRow): Promise<ObservedQuota> {
  const state = await store.read(row.user_id, row.current_month);
  return {
    userId: state.userId,
    period: state.period,
    limitMinutes: state.limitMinutes,
    limitCost: state.limitCost,
    isActive: state.isActive,
    settledSeconds: state.settledSeconds,
    settledCost: state.settledCost,
    heldSeconds: state.reservedSeconds,
    heldCost: state.reservedCost,
    sessionCount: state.sessionCount,
    openRecords: state.openRecords.map((record) => record.id).sort(),
    limitsChanged: row.limits_changed,
    version: state.version,
    nextThresholdAt: instant(row.next_threshold_at),
    alerts: new Map(
      state.alerts.map((alert) => [`${alert.limit} ${alert.thresholdPercent}`, alert.crossedAt.getTime()]),
    ),
  };
}

function toRecord(row: pg.QueryResultRow): ObservedRecord {
  const open = row.end_reason === null;
  const runs = row.status === 'active';
  const used: Record<string, { seconds: number; cost: string }> = row.used ?? {};
  return {
    id: row.id,
    userId: row.user_id,
    view: {
      sessionId: row.session_id,
      streamId: row.avatar_session_id,
      attached: row.attached,
      sealedToken: row.sealed_token,
      tokenEndsAt: instant(row.token_ends_at),
      unseenSeconds: row.unseen_seconds,
      isStopping: row.is_stopping,
      namedCap: row.effective_cap_seconds,
      status: row.status,
      endReason: row.end_reason,
      period: row.billing_period,
      holdingPeriod: row.quota_period,
      startedAt: instant(row.session_started_at),
      endedAt: instant(row.session_ended_at),
      countedFrom: open ? instant(row.counted_from) : null,
      line: runs ? toLine(row) : null,
      rounding: runs ? { step: row.billing_step_seconds, minimum: row.minimum_seconds } : null,
      hasOldPrice: open && row.has_old_price,
      expiresAt: instant(row.expires_at),
      heldSeconds: row.held_seconds,
      heldCost: parseMoney(row.held_cost_text),
      notice: runs ? row.ending_notice : null,
      lastHeartbeatAt: instant(row.last_heartbeat_at),
      wordsSpoken: row.words_spoken,
      messagesCount: row.messages_count,
      durationSeconds: row.duration_seconds,
      cost: parseMoney(row.cost),
      settled: Object.entries(used)
        .map(([period, { seconds, cost }]) => ({ period, seconds, cost: parseMoney(cost) }))
        .sort((a, b) => (a.period < b.period ? -1 : 1)),
    },
  };
}

function toLine(row: pg.QueryResultRow): PriceLine {
  return {
    perMinute: parseMoney(row.price_per_minute),
    pricedSeconds: row.priced_seconds,
    pricedCost: parseMoney(row.priced_cost_text),
    until: instant(row.price_until),
  };
}

function instant(at: Date | null): Instant | null {
  return at?.getTime() ?? null;
}
