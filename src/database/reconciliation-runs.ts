/** $1 vendor, $2 now, $3 seconds: a row if no run has begun within them. */
export const CLAIM = `
INSERT INTO vendor_reconciliations AS run (vendor, started_at)
VALUES ($1, $2)
ON CONFLICT (vendor) DO UPDATE SET started_at = excluded.started_at
WHERE run.started_at <= excluded.started_at - make_interval(secs => $3)
RETURNING vendor`;

/** $1 vendor, $2 when the run began. */
export const COMPLETE = `
INSERT INTO vendor_reconciliations AS run (vendor, started_at, completed_at)
VALUES ($1, $2, $2)
ON CONFLICT (vendor) DO UPDATE SET completed_at = greatest(run.completed_at, excluded.completed_at)`;

/** $1 vendor, $2 from when it remembers, or null. */
export const HORIZON = `
SELECT
  (SELECT completed_at FROM vendor_reconciliations WHERE vendor = $1) AS "completedAt",
  (
    SELECT min(created_at)
    FROM avatar_usage_records
    WHERE vendor = $1 AND reconciled_at IS NULL AND avatar_session_id IS NOT NULL
      AND created_at >= coalesce($2, '-infinity'::timestamptz)
  ) AS "oldestOpenAt"`;

/** $1 vendor, $2 from when it remembers, or null; $3 sessions that were seen in this run; $4 settled since before. */
export const UNSEEN = `
SELECT session.id
FROM (
  SELECT avatar_session_id AS id, created_at AS at
  FROM avatar_usage_records
  WHERE vendor = $1 AND reconciled_at IS NULL AND avatar_session_id IS NOT NULL
    AND created_at >= coalesce($2, '-infinity'::timestamptz)
    AND CASE status
      WHEN 'reserved' THEN false
      WHEN 'active' THEN session_started_at <= $4
      ELSE session_ended_at <= $4
    END
  UNION ALL
  SELECT avatar_session_id, started_at
  FROM unattributed_sessions
  WHERE vendor = $1 AND ended_at IS NULL AND started_at >= coalesce($2, '-infinity'::timestamptz)
  UNION ALL
  SELECT avatar_session_id, failing_since
  FROM reconciliation_attempts
  WHERE vendor = $1 AND problem IS NOT NULL
) AS session
LEFT JOIN reconciliation_attempts AS attempt ON attempt.vendor = $1 AND attempt.avatar_session_id = session.id
WHERE session.id <> ALL ($3)
GROUP BY session.id, attempt.attempted_at
ORDER BY attempt.attempted_at NULLS FIRST, min(session.at), session.id
LIMIT 1000`;
