/** A quota that does not equal the sum of its ledger, or of its records. */
export interface Imbalance {
  readonly userId: string;
  readonly period: string;
  readonly what: string;
  readonly unit: 'seconds' | 'cost' | 'sessions';
  readonly quota: string;
  readonly recomputed: string;
}

/**
 * Recomputes every quota: used and held from its ledger, held and used once more from its records.
 *
 * Comparing both finds what one alone would hide: an entry that was never written, and a record that was never booked.
 */
const AUDIT = `
WITH
ledger AS (
  SELECT user_id, period,
    sum(used_seconds) AS used_seconds, sum(used_cost) AS used_cost,
    sum(held_seconds) AS held_seconds, sum(held_cost) AS held_cost
  FROM quota_ledger
  GROUP BY user_id, period
),
records AS (
  -- a session that ran over a month's end is settled in two; the vendor's figures, once known, take the estimate's place
  SELECT user_id, share.period,
    sum(share.held_seconds) AS held_seconds, sum(share.held_cost) AS held_cost,
    sum(share.used_seconds) AS used_seconds, sum(share.used_cost) AS used_cost,
    sum(share.started) AS started
  FROM avatar_usage_records AS r
  CROSS JOIN LATERAL (VALUES
    (r.billing_period, 0, 0, r.settled_seconds, r.settled_cost, (r.session_started_at IS NOT NULL)::integer),
    (r.quota_period, r.held_seconds, r.held_cost,
      CASE WHEN r.status IN ('reserved', 'active') THEN 0 ELSE coalesce(r.actual_seconds, r.duration_seconds) - r.settled_seconds END,
      CASE WHEN r.status IN ('reserved', 'active') THEN 0 ELSE coalesce(r.actual_cost, r.estimated_cost) - r.settled_cost END, 0)
  ) AS share (period, held_seconds, held_cost, used_seconds, used_cost, started)
  GROUP BY user_id, share.period
),
comparison AS (
  -- entries and records of a month without a quota are found as well
  SELECT user_id, period, line.what, line.unit, coalesce(line.quota, 0) AS quota, coalesce(line.recomputed, 0) AS recomputed
  FROM (SELECT current_month AS period, * FROM usage_quotas) AS q
  FULL JOIN ledger AS l USING (user_id, period)
  FULL JOIN records AS r USING (user_id, period)
  CROSS JOIN LATERAL (VALUES
    ('used seconds, by the ledger', 'seconds', q.used_seconds::numeric, l.used_seconds),
    ('used cost, by the ledger', 'cost', q.used_cost, l.used_cost),
    ('held seconds, by the ledger', 'seconds', q.held_seconds, l.held_seconds),
    ('held cost, by the ledger', 'cost', q.held_cost, l.held_cost),
    ('used seconds, by the records', 'seconds', q.used_seconds, r.used_seconds),
    ('used cost, by the records', 'cost', q.used_cost, r.used_cost),
    ('held seconds, by the records', 'seconds', q.held_seconds, r.held_seconds),
    ('held cost, by the records', 'cost', q.held_cost, r.held_cost),
    ('sessions started', 'sessions', q.session_count, r.started)
  ) AS line (what, unit, quota, recomputed)
),
-- kept only where there is a ceiling
account AS (
  SELECT coalesce(a.period, q.period) AS period, line.what, 'cost' AS unit, coalesce(line.quota, 0) AS quota,
    coalesce(line.recomputed, 0) AS recomputed
  FROM account_budgets AS a
  FULL JOIN (
    SELECT current_month AS period, sum(used_cost) AS used_cost, sum(held_cost) AS held_cost
    FROM usage_quotas
    GROUP BY current_month
  ) AS q ON q.period = a.period
  CROSS JOIN LATERAL (VALUES
    ('used cost of the account', a.used_cost, q.used_cost),
    ('held cost of the account', a.held_cost, q.held_cost)
  ) AS line (what, quota, recomputed)
  WHERE EXISTS (SELECT FROM account_state)
  UNION ALL
  SELECT 'all months', 'open sessions of the account', 'sessions', open_sessions,
    (SELECT count(*) FROM avatar_usage_records WHERE end_reason IS NULL OR is_stopping)
  FROM account_state
)
SELECT 'all users' AS "userId", period, what, unit, trim_scale(quota)::text AS quota,
  trim_scale(recomputed)::text AS recomputed
FROM account
WHERE quota <> recomputed
UNION ALL
SELECT user_id, period, what, unit, trim_scale(quota)::text, trim_scale(recomputed)::text
FROM comparison
WHERE quota <> recomputed
ORDER BY 1, 2, 3`;

interface AuditedDatabase {
  query(sql: string): Promise<{ rows: unknown[] }>;
}

/** Every imbalance of the books; empty if they balance. */
export async function auditBooks(database: AuditedDatabase): Promise<Imbalance[]> {
  const { rows } = await database.query(AUDIT);
  return rows as Imbalance[];
}

/** How much an audit covers. */
export interface AuditScope {
  readonly quotas: number;
  readonly users: number;
  readonly months: number;
  readonly ledgerEntries: number;
  readonly records: number;
}

const COUNT = `
SELECT count(*)::integer AS quotas, count(DISTINCT user_id)::integer AS users,
  count(DISTINCT current_month)::integer AS months,
  (SELECT count(*) FROM quota_ledger)::integer AS "ledgerEntries",
  (SELECT count(*) FROM avatar_usage_records)::integer AS records
FROM usage_quotas`;

/** Counts what {@link auditBooks} compares. */
export async function readAuditScope(database: AuditedDatabase): Promise<AuditScope> {
  const { rows } = await database.query(COUNT);
  return rows[0] as AuditScope;
}
