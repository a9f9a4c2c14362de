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
  SELECT q.user_id, q.current_month AS period, line.*
  FROM usage_quotas AS q
  LEFT JOIN ledger AS l ON l.user_id = q.user_id AND l.period = q.current_month
  LEFT JOIN records AS r ON r.user_id = q.user_id AND r.period = q.current_month
  CROSS JOIN LATERAL (VALUES
    ('used seconds, by the ledger', 'seconds', q.used_seconds::numeric, coalesce(l.used_seconds, 0)),
    ('used cost, by the ledger', 'cost', q.used_cost, coalesce(l.used_cost, 0)),
    ('held seconds, by the ledger', 'seconds', q.held_seconds, coalesce(l.held_seconds, 0)),
    ('held cost, by the ledger', 'cost', q.held_cost, coalesce(l.held_cost, 0)),
    ('used seconds, by the records', 'seconds', q.used_seconds, coalesce(r.used_seconds, 0)),
    ('used cost, by the records', 'cost', q.used_cost, coalesce(r.used_cost, 0)),
    ('held seconds, by the records', 'seconds', q.held_seconds, coalesce(r.held_seconds, 0)),
    ('held cost, by the records', 'cost', q.held_cost, coalesce(r.held_cost, 0)),
    ('sessions started', 'sessions', q.session_count, coalesce(r.started, 0))
  ) AS line (what, unit, quota, recomputed)
)
SELECT 'all users' AS "userId", a.period, line.what, 'cost' AS unit, trim_scale(line.budget)::text AS quota,
  trim_scale(line.recomputed)::text AS recomputed
FROM account_budgets AS a
LEFT JOIN (
  SELECT q.current_month AS period, sum(q.used_cost) AS used_cost, sum(q.held_cost) AS held_cost
  FROM usage_quotas AS q
  GROUP BY q.current_month
) AS quotas ON quotas.period = a.period
CROSS JOIN LATERAL (VALUES
  ('used cost of the account', a.used_cost, coalesce(quotas.used_cost, 0)),
  ('held cost of the account', a.held_cost, coalesce(quotas.held_cost, 0))
) AS line (what, budget, recomputed)
WHERE line.budget <> line.recomputed
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
