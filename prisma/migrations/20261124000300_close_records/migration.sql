-- The one place where a record ends: its hold is released, its use settled, its stop noted, its end told.

-- When the vendor ends a running session by itself, by the lower of the cap that it was given and the one that it named.
-- Null where it does not.
CREATE FUNCTION vendor_ends_at(p_record avatar_usage_records) RETURNS timestamptz
  LANGUAGE sql STABLE
  RETURN p_record.session_started_at
    + make_interval(secs => least(p_record.vendor_cap_seconds, p_record.effective_cap_seconds));

-- Ends the named records, whoever asks and however often: a record that is already over is left alone. The caller
-- holds the locks of lock_records.
--
--   p_reasons    why, one a record
--   p_ended_ats  when the session was over; ignored for a token that was never started
--   p_errors     what is kept as error_message, or null
--   p_actor      who is named in the ledger
--
-- A started second counts as a second, and the vendor's step and minimum are rounded up to. Use has no upper bound here: a
-- late end is booked past the hold and the limit. A session that ran over the end of its month is split there. One that
-- turns out to have been over before the part that is settled already, since its heartbeats had stopped, is corrected in
-- that month.
CREATE FUNCTION close_records(
  p_now timestamptz, p_ids uuid[], p_reasons end_reason[], p_ended_ats timestamptz[], p_errors text[], p_actor text
) RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  v_changes quota_change[];
  v_stop_due timestamptz;
BEGIN
  PERFORM move_records(p_now, array_agg(r.id), NULL)
  FROM unnest(p_ids, p_ended_ats) AS call (id, ended_at)
  JOIN avatar_usage_records AS r ON r.id = call.id
  JOIN billing_periods AS month ON month.period = r.quota_period
  WHERE r.status = 'active' AND call.ended_at > month.ends_at;

  WITH
  closing AS (
    SELECT
      r.id, r.user_id, r.quota_period, r.billing_period, r.vendor, r.avatar_session_id, r.held_seconds, r.held_cost,
      call.reason, call.error,
      r.status = 'active' AS ran,
      CASE WHEN r.status = 'active' THEN greatest(call.ended_at, r.session_started_at) ELSE p_now END AS ended_at,
      CASE
        WHEN call.reason IN ('vendor_error', 'client_error') THEN 'error'
        WHEN r.status = 'active' THEN 'completed'
        ELSE 'expired'
      END::usage_status AS status,
      total.seconds AS total_seconds,
      r.settled_cost + rest.cost AS total_cost,
      least(r.settled_seconds, total.seconds) AS settled_seconds,
      -- one that was over before the part that is settled belongs to that month as a whole, with what is rounded up
      r.settled_cost + CASE WHEN rest.seconds < 0 THEN rest.cost ELSE 0 END AS settled_cost,
      rest.seconds,
      rest.cost
    FROM unnest(p_ids, p_reasons, p_ended_ats, p_errors) AS call (id, reason, ended_at, error)
    JOIN avatar_usage_records AS r ON r.id = call.id
    CROSS JOIN LATERAL (
      SELECT CASE WHEN r.status = 'active'
        THEN ceil(greatest(extract(epoch FROM call.ended_at - r.session_started_at), 0))::integer
        ELSE 0
      END AS seconds
    ) AS total
    -- what is not settled yet; below zero if more is settled than was used
    CROSS JOIN LATERAL (
      SELECT
        total.seconds - r.settled_seconds AS seconds,
        CASE WHEN r.status = 'active' THEN unsettled_cost(r, total.seconds) ELSE 0 END AS cost
    ) AS rest
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
      duration_seconds = closing.total_seconds,
      estimated_cost = closing.total_cost,
      settled_seconds = closing.settled_seconds,
      settled_cost = closing.settled_cost,
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
  entry AS (
    SELECT
      id, user_id, quota_period AS period, CASE WHEN ran THEN 'settle' ELSE 'release' END::ledger_entry AS entry,
      greatest(seconds, 0) AS seconds, CASE WHEN seconds < 0 THEN 0 ELSE cost END AS cost, held_seconds, held_cost, reason
    FROM closing
    UNION ALL
    SELECT id, user_id, billing_period, 'correct', seconds, cost, 0, 0, reason
    FROM closing
    WHERE seconds < 0
  ),
  booked AS (
    INSERT INTO quota_ledger
      (user_id, period, record_id, entry, used_seconds, used_cost, held_seconds, held_cost, reason, actor, created_at)
    SELECT user_id, period, id, entry, seconds, cost, -held_seconds, -held_cost, reason::text, p_actor, p_now
    FROM entry
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
      user_id, period, count(*)::integer AS entries,
      sum(seconds) AS seconds, sum(cost) AS cost, sum(held_seconds) AS held_seconds, sum(held_cost) AS held_cost
    FROM entry
    GROUP BY user_id, period
  ),
  updated AS (
    UPDATE usage_quotas AS q
    SET
      used_seconds = q.used_seconds + change.seconds,
      used_cost = q.used_cost + change.cost,
      held_seconds = q.held_seconds - change.held_seconds,
      held_cost = q.held_cost - change.held_cost,
      version = q.version + change.entries,
      updated_at = p_now
    FROM change
    WHERE q.user_id = change.user_id AND q.current_month = change.period
  )
  SELECT
    (
      SELECT array_agg(
        ROW(user_id, period, CASE WHEN entry = 'correct' THEN 'corrected' ELSE 'session_ended' END, id)::quota_change
        ORDER BY id
      )
      FROM entry
    ),
    (SELECT min(next_attempt_at) FROM stops)
  INTO v_changes, v_stop_due;

  PERFORM publish_changes(p_now, v_changes);

  PERFORM announce_due(v_stop_due);
END
$$;
