-- The one place where a record ends: its hold is released, its use settled, its stop noted, its end told.

-- Ends the named records, whoever asks and however often: a record that is already over is left alone. The caller
-- holds the locks on the records' quotas.
--
--   p_reasons    why, one a record
--   p_ended_ats  when the session was over; ignored for a token that was never started
--   p_errors     what is kept as error_message, or null
--   p_actor      who is named in the ledger
--
-- A started second counts as a second. Use has no upper bound here: a late end is booked past the hold and the limit.
CREATE FUNCTION close_records(
  p_now timestamptz, p_ids uuid[], p_reasons end_reason[], p_ended_ats timestamptz[], p_errors text[], p_actor text
) RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  v_stop_due timestamptz;
BEGIN
  WITH
  closing AS (
    SELECT
      r.id, r.user_id, r.billing_period AS period, r.vendor, r.avatar_session_id, r.held_seconds, r.held_cost,
      call.reason, call.error,
      r.status = 'active' AS ran,
      CASE WHEN r.status = 'active' THEN greatest(call.ended_at, r.session_started_at) ELSE p_now END AS ended_at,
      CASE
        WHEN call.reason IN ('vendor_error', 'client_error') THEN 'error'
        WHEN r.status = 'active' THEN 'completed'
        ELSE 'expired'
      END::usage_status AS status,
      used.seconds,
      session_cost(used.seconds, r.price_per_minute) AS cost
    FROM unnest(p_ids, p_reasons, p_ended_ats, p_errors) AS call (id, reason, ended_at, error)
    JOIN avatar_usage_records AS r ON r.id = call.id
    CROSS JOIN LATERAL (
      SELECT CASE WHEN r.status = 'active'
        THEN ceil(greatest(extract(epoch FROM call.ended_at - r.session_started_at), 0))::integer
        ELSE 0
      END AS seconds
    ) AS used
    WHERE r.status IN ('reserved', 'active')
    ORDER BY r.id
    FOR NO KEY UPDATE OF r
  ),
  closed AS (
    UPDATE avatar_usage_records AS r
    SET
      status = closing.status,
      end_reason = closing.reason,
      session_ended_at = closing.ended_at,
      duration_seconds = closing.seconds,
      estimated_cost = closing.cost,
      held_seconds = 0,
      held_cost = 0,
      expires_at = NULL,
      due_at = NULL,
      error_message = coalesce(closing.error, r.error_message),
      updated_at = p_now
    FROM closing
    WHERE r.id = closing.id
    RETURNING r.id
  ),
  booked AS (
    INSERT INTO quota_ledger
      (user_id, period, record_id, entry, used_seconds, used_cost, held_seconds, held_cost, reason, actor, created_at)
    SELECT
      user_id, period, id, CASE WHEN ran THEN 'settle' ELSE 'release' END::ledger_entry,
      seconds, cost, -held_seconds, -held_cost, reason::text, p_actor, p_now
    FROM closing
  ),
  -- whatever the browser says it did, the vendor is told as well; "not found" is its way of saying yes
  stops AS (
    INSERT INTO vendor_stops (record_id, vendor, avatar_session_id, reason, next_attempt_at, created_at)
    SELECT id, vendor, avatar_session_id, reason, p_now, p_now
    FROM closing
    WHERE avatar_session_id IS NOT NULL AND reason <> 'vendor_ended'
    ON CONFLICT (record_id) DO NOTHING
    RETURNING next_attempt_at
  ),
  change AS (
    SELECT
      user_id, period, count(*)::integer AS records,
      sum(seconds) AS seconds, sum(cost) AS cost, sum(held_seconds) AS held_seconds, sum(held_cost) AS held_cost
    FROM closing
    GROUP BY user_id, period
  ),
  updated AS (
    UPDATE usage_quotas AS q
    SET
      used_seconds = q.used_seconds + change.seconds,
      used_cost = q.used_cost + change.cost,
      held_seconds = q.held_seconds - change.held_seconds,
      held_cost = q.held_cost - change.held_cost,
      version = q.version + change.records,
      updated_at = p_now
    FROM change
    WHERE q.user_id = change.user_id AND q.current_month = change.period
    RETURNING q.user_id, q.current_month AS period, q.version, change.records
  ),
  published AS (
    SELECT publish_quota_event(
      closing.user_id, closing.period,
      (updated.version - updated.records + row_number() OVER (
        PARTITION BY closing.user_id, closing.period ORDER BY closing.id
      ))::integer,
      'session_ended', p_now, closing.id
    ) AS version
    FROM closing
    JOIN updated ON updated.user_id = closing.user_id AND updated.period = closing.period
    ORDER BY closing.user_id, closing.period, closing.id
  )
  SELECT min(stops.next_attempt_at) INTO v_stop_due
  FROM (SELECT count(version) FROM published) AS told
  LEFT JOIN stops ON true;

  PERFORM announce_due(v_stop_due);
END
$$;
