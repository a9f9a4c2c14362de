import type pg from 'pg';
import { periodAt } from '../domain/period.ts';
import type { ServiceStats } from '../domain/service-stats.ts';
import type { AvatarVendor } from '../domain/vendor.ts';

const SERVICE_STATS = `
SELECT
  (SELECT count(*) FROM avatar_usage_records WHERE end_reason IS NULL AND status = 'active')::integer AS "activeSessions",
  (SELECT count(*) FROM avatar_usage_records WHERE end_reason IS NULL AND status = 'reserved')::integer AS "unusedTokens",
  stops.pending AS "pendingStops",
  stops.oldest_seconds AS "oldestPendingStopSeconds",
  (SELECT count(*) FROM quota_users WHERE due_at <= $1)::integer AS overdue,
  coalesce((SELECT used_cost + held_cost FROM account_budgets WHERE period = $4), 0)::float8 AS "accountCost",
  (
    SELECT count(*)
    FROM avatar_usage_records
    WHERE vendor = $2 AND reconciled_at IS NULL AND avatar_session_id IS NOT NULL
      AND end_reason IS NOT NULL AND created_at >= coalesce($3, '-infinity'::timestamptz)
  )::integer AS "unreconciledRecords",
  (
    SELECT count(*) FROM reconciliation_attempts WHERE vendor = $2 AND problem IS NOT NULL
  )::integer AS "setAsideSessions",
  (
    SELECT count(*) FROM unattributed_sessions WHERE vendor = $2 AND period = $4
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
  billingTimeZone: string,
  now: Date,
): Promise<ServiceStats> {
  const { rows } = await pool.query<ServiceStats>({
    name: 'service_stats',
    text: SERVICE_STATS,
    values: [now, vendor.name, vendor.remembersFrom, periodAt(now, billingTimeZone)],
  });
  if (!rows[0]) throw new Error('The statement answered no row');
  return rows[0];
}
