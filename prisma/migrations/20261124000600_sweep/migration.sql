-- What falls due by itself. Any number of nodes may sweep: each takes what no other holds at that moment.

-- Ends the records that are over by the clock: unused tokens, sessions at their deadline, sessions whose heartbeats
-- stopped (settled at the last one seen). Returns how many rows were due, those that another node holds not counted.
CREATE FUNCTION sweep_records(
  p_now timestamptz, p_limit integer, p_lapse_seconds integer, p_thresholds integer[]
) RETURNS integer
  LANGUAGE plpgsql AS $$
DECLARE
  v_user_ids text[];
  v_periods text[];
  v_ids uuid[];
BEGIN
  SELECT array_agg(q.user_id), array_agg(q.current_month) INTO v_user_ids, v_periods
  FROM (
    SELECT q.user_id, q.current_month
    FROM usage_quotas AS q
    WHERE (q.user_id, q.current_month) IN (
      SELECT r.user_id, r.billing_period
      FROM avatar_usage_records AS r
      WHERE r.due_at <= p_now
      ORDER BY r.due_at
      LIMIT p_limit
    )
    ORDER BY q.user_id, q.current_month
    FOR NO KEY UPDATE SKIP LOCKED
  ) AS q;

  IF v_user_ids IS NULL THEN
    RETURN 0;
  END IF;

  -- a heartbeat may have come in between: what counts is the locked row
  SELECT array_agg(r.id) INTO v_ids
  FROM (
    SELECT r.id
    FROM avatar_usage_records AS r
    WHERE (r.user_id, r.billing_period) IN (SELECT * FROM unnest(v_user_ids, v_periods)) AND r.due_at <= p_now
    ORDER BY r.id
    FOR NO KEY UPDATE
  ) AS r;

  PERFORM close_records(
    p_now, array_agg(r.id), array_agg(verdict.reason), array_agg(verdict.ended_at), array_agg(NULL::text), 'sweeper'
  )
  FROM avatar_usage_records AS r
  CROSS JOIN LATERAL (
    SELECT
      CASE
        WHEN r.status = 'reserved' THEN 'token_expired'
        WHEN r.expires_at <= p_now THEN 'deadline_reached'
        ELSE 'heartbeat_lost'
      END::end_reason AS reason,
      CASE
        WHEN r.expires_at > p_now THEN r.last_heartbeat_at
        WHEN r.vendor_cap_seconds IS NULL THEN p_now
        ELSE r.expires_at
      END AS ended_at
  ) AS verdict
  WHERE r.id = ANY (v_ids)
    AND (r.expires_at <= p_now OR r.last_heartbeat_at + make_interval(secs => p_lapse_seconds) <= p_now);

  -- due by an older setting of the heartbeat interval
  UPDATE avatar_usage_records AS r
  SET due_at = least(r.expires_at, r.last_heartbeat_at + make_interval(secs => p_lapse_seconds))
  WHERE r.id = ANY (v_ids) AND r.due_at <= p_now;

  PERFORM refresh_thresholds(p_now, v_user_ids, v_periods, p_thresholds);
  RETURN coalesce(cardinality(v_ids), 0);
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
CREATE FUNCTION claim_stops(
  p_now timestamptz, p_limit integer, p_backoff_seconds integer, p_max_backoff_seconds integer
) RETURNS TABLE (record_id uuid, avatar_session_id text, reason end_reason, attempts integer)
  LANGUAGE sql AS $$
  -- in a CTE, which is carried out once: joined as a sub-select it might be repeated, and take more than the limit
  WITH claimed AS (
    SELECT due.record_id
    FROM vendor_stops AS due
    WHERE due.next_attempt_at <= p_now
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

-- Notes the vendor's answers: confirmed, or the error and, where the vendor named one, another moment to try again.
CREATE FUNCTION note_stops(
  p_now timestamptz, p_record_ids uuid[], p_errors text[], p_retry_ats timestamptz[]
) RETURNS void
  LANGUAGE sql AS $$
  UPDATE vendor_stops AS s
  SET
    confirmed_at = CASE WHEN answer.error IS NULL THEN p_now END,
    next_attempt_at = CASE WHEN answer.error IS NOT NULL THEN coalesce(answer.retry_at, s.next_attempt_at) END,
    last_error = answer.error
  FROM unnest(p_record_ids, p_errors, p_retry_ats) AS answer (record_id, error, retry_at)
  WHERE s.record_id = answer.record_id AND s.confirmed_at IS NULL
$$;

-- When the next of all these falls due; null if nothing ever will.
CREATE FUNCTION next_due() RETURNS timestamptz
  LANGUAGE sql STABLE AS $$
  SELECT least(
    (SELECT min(due_at) FROM avatar_usage_records),
    (SELECT min(next_threshold_at) FROM usage_quotas),
    (SELECT min(next_attempt_at) FROM vendor_stops)
  )
$$;
