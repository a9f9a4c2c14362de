-- What falls due by itself. Any number of nodes may sweep: each takes what no other holds at that moment.

-- Does what records are due for: ends unused tokens, sessions at their deadline and sessions whose heartbeats stopped
-- (settled at the last one seen), takes the others over the end of their month and of their price, and tells those that
-- are about to end. Returns how many were due, those that another node holds not counted.
--
--   p_lapses_from   heartbeats that are missing count from this moment on: after the service itself was away, its clients
--                   are given the time to be heard again
CREATE FUNCTION sweep_records(
  p_now timestamptz, p_limit integer, p_lapse_seconds integer, p_lapses_from timestamptz, p_thresholds integer[]
) RETURNS integer
  LANGUAGE plpgsql AS $$
DECLARE
  v_candidates uuid[];
  v_ids uuid[];
BEGIN
  SELECT array_agg(due.id) INTO v_candidates
  FROM (
    SELECT r.id
    FROM avatar_usage_records AS r
    WHERE r.due_at <= p_now
    ORDER BY r.due_at
    LIMIT p_limit
  ) AS due;

  IF v_candidates IS NULL THEN
    RETURN 0;
  END IF;

  PERFORM ensure_quotas(p_now, array_agg(touched.user_id), array_agg(touched.period), NULL, NULL)
  FROM quotas_of_records(p_now, v_candidates) AS touched;

  -- a record is taken if every quota that it touches is free
  WITH
  touched AS (
    SELECT * FROM quotas_of_records(p_now, v_candidates)
  ),
  free AS (
    SELECT q.user_id, q.current_month AS period
    FROM usage_quotas AS q
    WHERE (q.user_id, q.current_month) IN (SELECT t.user_id, t.period FROM touched AS t)
    ORDER BY q.user_id, q.current_month
    FOR NO KEY UPDATE SKIP LOCKED
  ),
  taken AS (
    SELECT t.record_id
    FROM touched AS t
    LEFT JOIN free ON free.user_id = t.user_id AND free.period = t.period
    GROUP BY t.record_id
    HAVING count(*) = count(free.user_id)
  )
  SELECT array_agg(taken.record_id) INTO v_ids FROM taken;

  -- a heartbeat may have come in between: what counts is the locked row
  SELECT array_agg(r.id) INTO v_ids
  FROM (
    SELECT r.id
    FROM avatar_usage_records AS r
    WHERE r.id = ANY (v_ids) AND r.due_at <= p_now
    ORDER BY r.id
    FOR NO KEY UPDATE
  ) AS r;

  IF v_ids IS NULL THEN
    RETURN 0;
  END IF;

  PERFORM lock_account(array_agg(DISTINCT touched.period)) FROM quotas_of_records(p_now, v_ids) AS touched;

  PERFORM close_records(
    p_now, array_agg(r.id), array_agg(verdict.reason), array_agg(verdict.ended_at), array_agg(NULL::text), 'sweeper'
  )
  FROM avatar_usage_records AS r
  -- null for one that was never heard; greatest alone would ignore that
  CROSS JOIN LATERAL (
    SELECT CASE WHEN r.last_heartbeat_at IS NOT NULL
      THEN greatest(r.last_heartbeat_at + make_interval(secs => p_lapse_seconds), p_lapses_from)
    END AS at
  ) AS lapse
  CROSS JOIN LATERAL (
    SELECT
      CASE
        WHEN r.status = 'reserved' THEN 'token_expired'
        WHEN lapse.at < r.expires_at THEN 'heartbeat_lost'
        ELSE 'deadline_reached'
      END::end_reason AS reason,
      CASE
        WHEN lapse.at < r.expires_at THEN r.last_heartbeat_at
        WHEN p_now < r.expires_at + interval '1 second' THEN r.expires_at
        -- the vendor's own cap has ended it, however late we are; without one (least ignores null) it ran until now
        ELSE least(p_now, vendor_ends_at(r))
      END AS ended_at
  ) AS verdict
  WHERE r.id = ANY (v_ids)
    AND least(r.expires_at, lapse.at) <= p_now;

  PERFORM move_records(p_now, array_agg(r.id), p_lapse_seconds)
  FROM avatar_usage_records AS r
  JOIN billing_periods AS month ON month.period = r.quota_period
  WHERE r.id = ANY (v_ids) AND r.status IN ('reserved', 'active') AND month.ends_at <= p_now;

  PERFORM tell_ending_soon(p_now, v_ids);
  PERFORM reprice_records(p_now, array_agg(r.id))
  FROM avatar_usage_records AS r
  WHERE r.id = ANY (v_ids) AND r.price_until <= p_now;

  UPDATE avatar_usage_records AS r
  SET due_at = record_due(
    r.expires_at, month.ends_at, r.price_until, r.counted_from, r.ending_notice,
    CASE WHEN r.last_heartbeat_at IS NOT NULL
      THEN greatest(r.last_heartbeat_at, p_lapses_from - make_interval(secs => p_lapse_seconds))
    END,
    p_lapse_seconds
  )
  FROM billing_periods AS month
  WHERE r.id = ANY (v_ids) AND r.due_at <= p_now AND month.period = r.quota_period;

  PERFORM refresh_records(p_now, v_ids, p_thresholds);
  RETURN cardinality(v_ids);
END
$$;

-- Tells the users of the named running sessions that these have a minute, or a quarter of one, left. Each notice is
-- told once; the caller holds the locks of lock_records.
CREATE FUNCTION tell_ending_soon(p_now timestamptz, p_ids uuid[]) RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  v_changes quota_change[];
BEGIN
  WITH
  told AS (
    UPDATE avatar_usage_records AS r
    SET ending_notice = ending_notice(extract(epoch FROM r.expires_at - p_now))
    WHERE r.id = ANY (p_ids) AND r.status = 'active'
      -- by a clock that is behind, the last one told may lie ahead again
      AND (r.ending_notice IS NULL AND r.expires_at <= p_now + interval '60 seconds'
        OR r.ending_notice = 60 AND r.expires_at <= p_now + interval '15 seconds')
    RETURNING r.id, r.user_id, r.quota_period AS period
  ),
  change AS (
    SELECT user_id, period, count(*)::integer AS notices FROM told GROUP BY user_id, period
  ),
  updated AS (
    UPDATE usage_quotas AS q
    SET version = q.version + change.notices, updated_at = p_now
    FROM change
    WHERE q.user_id = change.user_id AND q.current_month = change.period
  )
  SELECT array_agg(ROW(user_id, period, 'session_ending_soon', id)::quota_change ORDER BY id) INTO v_changes
  FROM told;

  PERFORM publish_changes(p_now, v_changes);
END
$$;

-- Fires the thresholds that running sessions have crossed since. Returns how many quotas were due.
CREATE FUNCTION sweep_thresholds(p_now timestamptz, p_limit integer, p_thresholds integer[]) RETURNS integer
  LANGUAGE plpgsql AS $$
DECLARE
  v_user_ids text[];
  v_periods text[];
BEGIN
  SELECT array_agg(q.user_id), array_agg(q.current_month) INTO v_user_ids, v_periods
  FROM (
    SELECT q.user_id, q.current_month
    FROM usage_quotas AS q
    WHERE q.next_threshold_at <= p_now
    ORDER BY q.user_id, q.current_month
    LIMIT p_limit
    FOR NO KEY UPDATE SKIP LOCKED
  ) AS q;

  IF v_user_ids IS NOT NULL THEN
    PERFORM refresh_thresholds(p_now, v_user_ids, v_periods, p_thresholds);
  END IF;
  RETURN coalesce(cardinality(v_user_ids), 0);
END
$$;

-- Takes stops that are due, each with its next attempt already set: if this node dies, another one tries then.
-- The wait doubles from p_backoff_seconds to p_max_backoff_seconds.
--
--   p_due_by   stops that are due by then; infinity for all
CREATE FUNCTION claim_stops(
  p_now timestamptz, p_vendor text, p_due_by timestamptz, p_limit integer, p_backoff_seconds integer,
  p_max_backoff_seconds integer
) RETURNS TABLE (record_id uuid, avatar_session_id text, reason end_reason, attempts integer)
  LANGUAGE sql AS $$
  -- in a CTE, which is carried out once: joined as a sub-select it might be repeated, and take more than the limit
  WITH claimed AS (
    SELECT due.record_id
    FROM vendor_stops AS due
    WHERE due.next_attempt_at <= p_due_by AND due.vendor = p_vendor
    ORDER BY due.next_attempt_at
    LIMIT p_limit
    FOR UPDATE SKIP LOCKED
  )
  UPDATE vendor_stops AS s
  SET
    attempts = s.attempts + 1,
    next_attempt_at = p_now + make_interval(
      secs => least(p_backoff_seconds * 2 ^ least(s.attempts, 20), p_max_backoff_seconds)
    )
  FROM claimed
  WHERE s.record_id = claimed.record_id
  RETURNING s.record_id, s.avatar_session_id, s.reason, s.attempts
$$;

-- Notes the vendor's answers: confirmed, or the error and, where the vendor named one, another moment to try again, which
-- may come before the one that the sweepers wait for.
CREATE FUNCTION note_stops(
  p_now timestamptz, p_record_ids uuid[], p_errors text[], p_retry_ats timestamptz[]
) RETURNS void
  LANGUAGE sql AS $$
  WITH noted AS (
    UPDATE vendor_stops AS s
    SET
      confirmed_at = CASE WHEN answer.error IS NULL THEN p_now END,
      next_attempt_at = CASE WHEN answer.error IS NOT NULL THEN coalesce(answer.retry_at, s.next_attempt_at) END,
      last_error = answer.error
    FROM unnest(p_record_ids, p_errors, p_retry_ats) AS answer (record_id, error, retry_at)
    WHERE s.record_id = answer.record_id AND s.confirmed_at IS NULL
    RETURNING CASE WHEN answer.error IS NOT NULL THEN answer.retry_at END AS retry_at
  )
  SELECT announce_due(min(noted.retry_at)) FROM noted
$$;

-- When the next of all these falls due, of the stops those of one vendor; null if nothing ever will.
CREATE FUNCTION next_due(p_vendor text) RETURNS timestamptz
  LANGUAGE sql STABLE AS $$
  SELECT least(
    (SELECT min(due_at) FROM avatar_usage_records),
    (SELECT min(next_threshold_at) FROM usage_quotas),
    (SELECT 'epoch'::timestamptz FROM usage_quotas WHERE limits_changed_at IS NOT NULL LIMIT 1),
    (SELECT min(next_attempt_at) FROM vendor_stops WHERE vendor = p_vendor)
  )
$$;
