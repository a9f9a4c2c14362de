-- What the vendor's own SDK asks through this service: sessions by the hash of their token, starts that the vendor has
-- refused or carried out, and caps that it names at the start.

-- The newest record of each token, in any state. Reads only: whoever acts on it decides anew under the locks.
CREATE FUNCTION recognise_tokens(p_token_hashes bytea[]) RETURNS TABLE (
  token_hash bytea, record_id uuid, user_id text, session_id text, avatar_session_id text, vendor text,
  status usage_status, expires_at timestamptz
)
  LANGUAGE sql STABLE AS $$
  SELECT DISTINCT ON (r.token_hash)
    r.token_hash, r.id, r.user_id, r.session_id, r.avatar_session_id, r.vendor, r.status, r.expires_at
  FROM avatar_usage_records AS r
  WHERE r.token_hash = ANY (p_token_hashes)
  ORDER BY r.token_hash, r.created_at DESC, r.id
$$;

-- Ends sessions that the vendor did not start: they have run for no time. One that is over by now stays as it is.
CREATE FUNCTION fail_starts(p_now timestamptz, p_ids uuid[], p_errors text[], p_thresholds integer[]) RETURNS void
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lock_records(p_now, p_ids);

  PERFORM close_records(
    p_now, array_agg(r.id), array_agg('vendor_error'::end_reason), array_agg(r.session_started_at),
    array_agg(call.error), 'track_start'
  )
  FROM unnest(p_ids, p_errors) AS call (id, error)
  JOIN avatar_usage_records AS r ON r.id = call.id
  WHERE r.status = 'active';

  PERFORM refresh_records(p_now, p_ids, p_thresholds);
END
$$;

-- The vendor runs these sessions now. One that ended here meanwhile is noted for a stop, also if the vendor has confirmed that
-- before: to a session that did not run yet it says yes. Whether each still runs here.
CREATE FUNCTION confirm_starts(p_now timestamptz, p_ids uuid[]) RETURNS TABLE (record_id uuid, running boolean)
  LANGUAGE sql AS $$
  WITH
  confirmed AS (
    SELECT r.id, r.vendor, r.avatar_session_id, r.status, r.end_reason
    FROM avatar_usage_records AS r
    WHERE r.id = ANY (p_ids)
    ORDER BY r.id
    FOR NO KEY UPDATE
  ),
  stops AS (
    INSERT INTO vendor_stops (record_id, vendor, avatar_session_id, reason, next_attempt_at, created_at)
    SELECT id, vendor, avatar_session_id, end_reason, p_now, p_now
    FROM confirmed
    WHERE status <> 'active'
    ON CONFLICT (record_id) DO UPDATE SET
      attempts = 0, next_attempt_at = p_now, confirmed_at = NULL, last_error = NULL, created_at = p_now
    RETURNING announce_due(next_attempt_at)
  )
  SELECT confirmed.id, confirmed.status = 'active' FROM confirmed
$$;

-- Notes the caps that the vendor named at the start. Where one is lower than the grant, the hold shrinks to it, and the
-- deadline follows. A session that is over by now only learns its cap.
CREATE FUNCTION cap_sessions(
  p_now timestamptz, p_ids uuid[], p_cap_seconds integer[], p_lapse_seconds integer, p_thresholds integer[]
) RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  v_changes quota_change[];
  v_due timestamptz;
BEGIN
  PERFORM lock_records(p_now, p_ids);

  -- in the order in which heartbeats take them
  PERFORM FROM avatar_usage_records AS r
  WHERE r.id = ANY (p_ids)
  ORDER BY r.id
  FOR NO KEY UPDATE;

  UPDATE avatar_usage_records AS r
  SET effective_cap_seconds = call.cap_seconds, updated_at = p_now
  FROM unnest(p_ids, p_cap_seconds) AS call (id, cap_seconds)
  WHERE r.id = call.id AND r.effective_cap_seconds IS DISTINCT FROM call.cap_seconds;

  WITH
  capped AS (
    SELECT
      r.id, r.user_id, r.quota_period AS period, r.held_seconds, r.held_cost, rest.seconds AS new_seconds,
      least(
        r.held_cost,
        hold_cost(
          r.settled_seconds, rest.seconds, price.per_minute, price.billing_step_seconds, price.minimum_seconds
        )
      ) AS new_cost,
      month.ends_at AS month_ends_at, rest.deadline
    FROM avatar_usage_records AS r
    JOIN billing_periods AS month ON month.period = r.quota_period
    CROSS JOIN LATERAL (
      SELECT cap.seconds, r.counted_from + make_interval(secs => cap.seconds) AS deadline
      FROM (SELECT greatest(r.effective_cap_seconds - r.settled_seconds, 0) AS seconds) AS cap
    ) AS rest
    CROSS JOIN LATERAL dearest_of_record(r, r.counted_from, rest.deadline) AS price
    WHERE r.id = ANY (p_ids) AND r.status = 'active' AND rest.seconds < r.held_seconds
  ),
  shrunk AS (
    UPDATE avatar_usage_records AS r
    SET
      held_seconds = capped.new_seconds,
      held_cost = capped.new_cost,
      grant_seconds = r.settled_seconds + capped.new_seconds,
      expires_at = capped.deadline,
      ending_notice = ending_notice(extract(epoch FROM capped.deadline - p_now)),
      due_at = record_due(
        capped.deadline, capped.month_ends_at, r.price_until, r.counted_from,
        ending_notice(extract(epoch FROM capped.deadline - p_now)), r.last_heartbeat_at, p_lapse_seconds
      ),
      updated_at = p_now
    FROM capped
    WHERE r.id = capped.id
    RETURNING r.due_at
  ),
  booked AS (
    INSERT INTO quota_ledger (user_id, period, record_id, entry, held_seconds, held_cost, reason, actor, created_at)
    SELECT
      user_id, period, id, 'release', new_seconds - held_seconds, new_cost - held_cost, 'session_capped', 'track_start',
      p_now
    FROM capped
  ),
  change AS (
    SELECT
      user_id, period, count(*)::integer AS sessions,
      sum(new_seconds - held_seconds) AS seconds, sum(new_cost - held_cost) AS cost
    FROM capped
    GROUP BY user_id, period
  ),
  updated AS (
    UPDATE usage_quotas AS q
    SET
      held_seconds = q.held_seconds + change.seconds,
      held_cost = q.held_cost + change.cost,
      version = q.version + change.sessions,
      updated_at = p_now
    FROM change
    WHERE q.user_id = change.user_id AND q.current_month = change.period
  )
  SELECT
    (SELECT array_agg(ROW(user_id, period, 'session_capped', id)::quota_change ORDER BY id) FROM capped),
    (SELECT min(due_at) FROM shrunk)
  INTO v_changes, v_due;

  PERFORM publish_changes(p_now, v_changes);
  PERFORM announce_due(v_due);
  PERFORM refresh_records(p_now, p_ids, p_thresholds);
END
$$;
