import type pg from 'pg';
import { formatMoney, parseMoney } from '../domain/money.ts';
import type { BillingPeriod } from '../domain/period.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import type { OpenRecord, QuotaAlert, QuotaState } from '../domain/quota.ts';

export interface QuotaKey {
  readonly userId: string;
  readonly period: BillingPeriod;
}

/**
 * Quotas by user and period, in the order asked for. Writes nothing: a quota without a row has the limits of the user's
 * last month before it, or else the defaults, and the version that it would start with.
 */
const READ_QUOTAS = `
SELECT
  call.user_id, call.period,
  coalesce(q.monthly_limit_minutes, last.monthly_limit_minutes, $3) AS limit_minutes,
  coalesce(q.monthly_limit_cost, last.monthly_limit_cost, $4)::text AS limit_cost,
  coalesce(q.used_seconds, 0) AS settled_seconds,
  coalesce(q.used_cost, 0)::text AS settled_cost,
  coalesce(q.held_seconds, 0) AS reserved_seconds,
  coalesce(q.held_cost, 0)::text AS reserved_cost,
  coalesce(q.session_count, 0) AS session_count,
  coalesce(q.is_active, last.is_active, true) AS is_active,
  coalesce(q.version, first_version(call.period)) AS version,
  open.records AS open_records,
  fired.alerts,
  recent.next_token_at
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS call (user_id, period, position)
LEFT JOIN usage_quotas AS q ON q.user_id = call.user_id AND q.current_month = call.period
LEFT JOIN LATERAL (
  SELECT p.monthly_limit_minutes, p.monthly_limit_cost, p.is_active
  FROM usage_quotas AS p
  WHERE q.id IS NULL AND p.user_id = call.user_id AND p.current_month < call.period
  ORDER BY p.current_month DESC
  LIMIT 1
) AS last ON true
LEFT JOIN LATERAL (
  SELECT json_agg(json_build_object(
    'id', r.id,
    'sessionId', r.session_id,
    'status', r.status,
    'countedFrom', extract(epoch FROM r.counted_from) * 1000,
    'createdAt', extract(epoch FROM r.created_at) * 1000,
    'settledSeconds', r.settled_seconds,
    'pricePerMinute', r.price_per_minute::text,
    'pricedSeconds', r.priced_seconds,
    'pricedCost', r.priced_cost::text,
    'billingStepSeconds', r.billing_step_seconds,
    'minimumSeconds', r.minimum_seconds,
    'heldSeconds', r.held_seconds,
    'heldCost', r.held_cost::text
  ) ORDER BY r.created_at, r.id) AS records
  FROM avatar_usage_records AS r
  WHERE r.user_id = call.user_id AND r.quota_period = call.period AND r.status IN ('reserved', 'active')
) AS open ON true
LEFT JOIN LATERAL (
  SELECT json_agg(json_build_object(
    'limit', a.quota_limit,
    'thresholdPercent', a.threshold_percent,
    'crossedAt', extract(epoch FROM a.crossed_at) * 1000
  )) AS alerts
  FROM quota_alerts AS a
  WHERE a.user_id = call.user_id AND a.period = call.period
) AS fired ON true
LEFT JOIN LATERAL (
  SELECT r.created_at + interval '1 minute' AS next_token_at
  FROM avatar_usage_records AS r
  WHERE r.user_id = call.user_id AND r.created_at > $6::timestamptz - interval '1 minute'
    AND r.end_reason IS DISTINCT FROM 'vendor_error'
  ORDER BY r.created_at DESC
  OFFSET $5::integer - 1 LIMIT 1
) AS recent ON true
ORDER BY call.position`;

interface QuotaRow {
  user_id: string;
  period: string;
  limit_minutes: number;
  limit_cost: string;
  settled_seconds: number;
  settled_cost: string;
  reserved_seconds: number;
  reserved_cost: string;
  session_count: number;
  is_active: boolean;
  version: number;
  open_records: OpenRecordJson[] | null;
  alerts: AlertJson[] | null;
  next_token_at: Date | null;
}

interface OpenRecordJson {
  id: string;
  sessionId: string;
  status: 'reserved' | 'active';
  countedFrom: number | null;
  createdAt: number;
  settledSeconds: number;
  pricePerMinute: string;
  pricedSeconds: number;
  pricedCost: string;
  billingStepSeconds: number;
  minimumSeconds: number;
  heldSeconds: number;
  heldCost: string;
}

interface AlertJson {
  limit: QuotaAlert['limit'];
  thresholdPercent: number;
  crossedAt: number;
}

/** Reads the quotas of the keys, in their order, in one statement. */
export async function readQuotas(
  pool: pg.Pool,
  keys: readonly QuotaKey[],
  policy: QuotaPolicy,
  now: Date,
): Promise<QuotaState[]> {
  const { rows } = await pool.query<QuotaRow>({
    name: 'read_quotas',
    text: READ_QUOTAS,
    values: [
      keys.map((key) => key.userId),
      keys.map((key) => key.period),
      policy.defaultLimitMinutes,
      formatMoney(policy.defaultLimitCost),
      policy.maxTokensPerMinute,
      now,
    ],
  });
  return rows.map(toQuotaState);
}

function toQuotaState(row: QuotaRow): QuotaState {
  return {
    userId: row.user_id,
    period: row.period,
    limitMinutes: row.limit_minutes,
    limitCost: parseMoney(row.limit_cost),
    settledSeconds: row.settled_seconds,
    settledCost: parseMoney(row.settled_cost),
    reservedSeconds: row.reserved_seconds,
    reservedCost: parseMoney(row.reserved_cost),
    sessionCount: row.session_count,
    isActive: row.is_active,
    version: row.version,
    openRecords: (row.open_records ?? []).map(toOpenRecord),
    alerts: (row.alerts ?? []).map((alert) => ({ ...alert, crossedAt: new Date(alert.crossedAt) })),
    nextTokenAt: row.next_token_at,
  };
}

function toOpenRecord(json: OpenRecordJson): OpenRecord {
  return {
    id: json.id,
    sessionId: json.sessionId,
    status: json.status,
    countedFrom: json.countedFrom === null ? null : new Date(json.countedFrom),
    createdAt: new Date(json.createdAt),
    settledSeconds: json.settledSeconds,
    pricePerMinute: parseMoney(json.pricePerMinute),
    pricedSeconds: json.pricedSeconds,
    pricedCost: parseMoney(json.pricedCost),
    billingStepSeconds: json.billingStepSeconds,
    minimumSeconds: json.minimumSeconds,
    heldSeconds: json.heldSeconds,
    heldCost: parseMoney(json.heldCost),
  };
}

/** Whether the user has a quota of any month. */
export async function hasQuota(pool: pg.Pool, userId: string): Promise<boolean> {
  const { rowCount } = await pool.query('SELECT FROM usage_quotas WHERE user_id = $1 LIMIT 1', [userId]);
  return rowCount === 1;
}
