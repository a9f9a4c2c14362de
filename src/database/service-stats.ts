import type pg from 'pg';
import type { ServiceStats } from '../domain/service-stats.ts';

const SERVICE_STATS = `
SELECT
  (SELECT count(*) FROM avatar_usage_records WHERE status = 'active')::integer AS "activeSessions",
  (SELECT count(*) FROM avatar_usage_records WHERE status = 'reserved')::integer AS "unusedTokens",
  stops.pending AS "pendingStops",
  stops.oldest_seconds AS "oldestPendingStopSeconds",
  (
    (SELECT count(*) FROM avatar_usage_records WHERE due_at <= $1)
    + (SELECT count(*) FROM usage_quotas WHERE next_threshold_at <= $1)
  )::integer AS overdue,
  coalesce((
    SELECT a.used_cost + a.held_cost
    FROM account_budgets AS a
    JOIN billing_periods AS month ON month.period = a.period AND $1 >= month.starts_at AND $1 < month.ends_at
  ), 0)::float8 AS "accountCost"
FROM (
  SELECT
    count(*)::integer AS pending,
    greatest(coalesce(extract(epoch FROM $1::timestamptz - min(created_at)), 0), 0)::float8 AS oldest_seconds
  FROM vendor_stops
  WHERE next_attempt_at IS NOT NULL
) AS stops`;

/** Counts over partial indexes: cheap enough for every scrape. */
export async function readServiceStats(pool: pg.Pool, now: Date): Promise<ServiceStats> {
  const { rows } = await pool.query<ServiceStats>({ name: 'service_stats', text: SERVICE_STATS, values: [now] });
  if (!rows[0]) throw new Error('The statement answered no row');
  return rows[0];
}
