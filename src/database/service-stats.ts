import type pg from 'pg';
import type { ServiceStats } from '../domain/service-stats.ts';
import type { AvatarVendor } from '../domain/vendor.ts';

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
  ), 0)::float8 AS "accountCost",
  (
    SELECT count(*)
    FROM avatar_usage_records
    WHERE vendor = $2 AND reconciled_at IS NULL AND avatar_session_id IS NOT NULL
      AND status NOT IN ('reserved', 'active') AND created_at >= coalesce($3, '-infinity'::timestamptz)
  )::integer AS "unreconciledRecords",
  (
    SELECT count(*) FROM unattributed_sessions WHERE vendor = $2 AND period = period_of($1)
  )::integer AS "unattributedSessions",
  coalesce(
    (
      SELECT greatest(extract(epoch FROM $1 - completed_at), 0)
      FROM vendor_reconciliations
      WHERE vendor = $2 AND completed_at IS NOT NULL
    ),
    'infinity'
  )::float8 AS "secondsSinceReconciliation"
FROM (
  SELECT
    count(*)::integer AS pending,
    greatest(coalesce(extract(epoch FROM $1::timestamptz - min(created_at)), 0), 0)::float8 AS oldest_seconds
  FROM vendor_stops
  WHERE next_attempt_at IS NOT NULL
) AS stops`;

/** Counts over partial indexes: cheap enough for every scrape. */
export async function readServiceStats(
  pool: pg.Pool,
  vendor: Pick<AvatarVendor, 'name' | 'remembersFrom'>,
  now: Date,
): Promise<ServiceStats> {
  const { rows } = await pool.query<ServiceStats>({
    name: 'service_stats',
    text: SERVICE_STATS,
    values: [now, vendor.name, vendor.remembersFrom],
  });
  if (!rows[0]) throw new Error('The statement answered no row');
  return rows[0];
}
