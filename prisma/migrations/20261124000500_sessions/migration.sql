-- A session's life after its token: start, heartbeats, end.

-- Ends the named records now. An active session that the vendor caps by itself was over at its cap at the latest.
CREATE FUNCTION end_records(
  p_now timestamptz, p_ids uuid[], p_reasons end_reason[], p_errors text[], p_actor text, p_thresholds integer[]
) RETURNS void
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lock_records(p_now, p_ids);

  PERFORM close_records(
    p_now, array_agg(call.id), array_agg(call.reason),
    -- least ignores null: without a cap the end is now
    array_agg(least(p_now, vendor_ends_at(r))),
    array_agg(call.error), p_actor
  )
  FROM unnest(p_ids, p_reasons, p_errors) AS call (id, reason, error)
  JOIN avatar_usage_records AS r ON r.id = call.id
  WHERE r.status IN ('reserved', 'active');

  PERFORM refresh_records(p_now, p_ids, p_thresholds);
END
$$;

-- reserved → active, for one session a user, any number of users.
--
-- The record is the one that the vendor's id names or, where the vendor names a session only at its start, the user's
-- unnamed token of the conversation. There, the avatar is chosen at the start too.
--
--   outcome   started, already_started, ended or not_found; somebody else's session is not found
CREATE FUNCTION start_sessions(
  p_now timestamptz, p_user_ids text[], p_session_ids text[], p_avatar_session_ids text[], p_avatar_names text[],
  p_thresholds integer[]
) RETURNS TABLE (user_id text, outcome text, record_id uuid)
  LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_ids uuid[];
  v_too_late uuid[];
  v_started uuid[];
  v_due timestamptz;
BEGIN
  -- no price is entered between its reading here and the commit
  PERFORM pg_advisory_xact_lock_shared(hashtext('prices'));

  SELECT array_agg(target.id) INTO v_ids
  FROM unnest(p_user_ids, p_session_ids, p_avatar_session_ids) AS call (user_id, session_id, avatar_session_id)
  CROSS JOIN LATERAL (
    SELECT r.id
    FROM avatar_usage_records AS r
    WHERE r.user_id = call.user_id AND r.session_id = call.session_id AND (
      r.avatar_session_id = call.avatar_session_id
      OR r.avatar_session_id IS NULL AND r.token_hash IS NOT NULL AND r.status = 'reserved'
        AND NOT EXISTS (
          SELECT FROM avatar_usage_records AS other WHERE other.avatar_session_id = call.avatar_session_id
        )
    )
    ORDER BY r.avatar_session_id NULLS LAST, r.created_at DESC
    LIMIT 1
  ) AS target;

  PERFORM lock_records(p_now, v_ids);

  -- a token of last month starts in this one; where this has no room left, it is over
  PERFORM move_records(p_now, array_agg(r.id), NULL)
  FROM avatar_usage_records AS r
  JOIN billing_periods AS month ON month.period = r.quota_period
  WHERE r.id = ANY (v_ids) AND r.status = 'reserved' AND r.expires_at > p_now
    AND month.ends_at <= p_now;

  -- named all the same: the vendor must be told to stop it
  WITH too_late AS (
    UPDATE avatar_usage_records AS r
    SET avatar_session_id = call.avatar_session_id
    FROM unnest(p_user_ids, p_avatar_session_ids) AS call (user_id, avatar_session_id)
    WHERE r.id = ANY (v_ids) AND r.user_id = call.user_id AND r.status = 'reserved' AND r.expires_at <= p_now
    RETURNING r.id
  )
  SELECT array_agg(too_late.id) INTO v_too_late FROM too_late;

  PERFORM close_records(
    p_now, v_too_late, array_agg('token_expired'::end_reason), array_agg(p_now), array_agg(NULL::text), 'track_start'
  )
  FROM unnest(v_too_late);

  WITH
  started AS (
    UPDATE avatar_usage_records AS r
    SET
      status = 'active',
      avatar_session_id = call.avatar_session_id,
      avatar_name = CASE WHEN r.avatar_session_id IS NULL THEN coalesce(call.avatar_name, r.avatar_name)
        ELSE r.avatar_name END,
      billing_period = r.quota_period,
      session_started_at = p_now,
      counted_from = p_now,
      expires_at = p_now + make_interval(secs => r.held_seconds),
      ending_notice = ending_notice(r.held_seconds),
      billing_step_seconds = price.billing_step_seconds,
      minimum_seconds = price.minimum_seconds,
      price_per_minute = price.per_minute,
      price_until = price.price_until,
      due_at = record_due(
        p_now + make_interval(secs => r.held_seconds), month.ends_at, price.price_until, p_now,
        ending_notice(r.held_seconds), NULL, NULL
      ),
      updated_at = p_now
    FROM unnest(p_user_ids, p_avatar_session_ids, p_avatar_names) AS call (user_id, avatar_session_id, avatar_name)
    JOIN avatar_usage_records AS token ON token.id = ANY (v_ids) AND token.user_id = call.user_id
    JOIN billing_periods AS month ON month.period = token.quota_period
    CROSS JOIN LATERAL price_line(token, p_now, p_now) AS price
    WHERE r.id = token.id AND r.status = 'reserved'
    RETURNING r.id, r.user_id, r.quota_period AS period, r.due_at
  ),
  updated AS (
    UPDATE usage_quotas AS q
    SET session_count = q.session_count + 1, version = q.version + 1, updated_at = p_now
    FROM started
    WHERE q.user_id = started.user_id AND q.current_month = started.period
    RETURNING publish_quota_event(q.user_id, q.current_month, q.version, 'session_started', p_now, started.id)
  )
  SELECT array_agg(started.id), min(started.due_at) INTO v_started, v_due
  FROM started;

  PERFORM announce_due(v_due);
  PERFORM refresh_records(p_now, v_ids, p_thresholds);

  RETURN QUERY
  SELECT
    call.user_id,
    CASE
      WHEN r.id IS NULL THEN 'not_found'
      WHEN r.id = ANY (v_started) THEN 'started'
      WHEN r.status = 'active' AND r.avatar_session_id = call.avatar_session_id THEN 'already_started'
      WHEN r.status IN ('reserved', 'active') THEN 'not_found'
      ELSE 'ended'
    END,
    r.id
  FROM unnest(p_user_ids, p_avatar_session_ids) AS call (user_id, avatar_session_id)
  LEFT JOIN avatar_usage_records AS r ON r.user_id = call.user_id AND r.id = ANY (v_ids);
END
$$;

-- Notes that running sessions are alive, and what was said so far. Touches no quota.
--
--   p_words, p_messages   totals since the start, or null; a total never shrinks, so reordered calls do no harm
--   p_lapse_seconds       how long after its last heartbeat a session ends
--   outcome               alive, ended or not_found; a token that was not started is not found
CREATE FUNCTION beat_sessions(
  p_now timestamptz, p_user_ids text[], p_avatar_session_ids text[], p_words integer[], p_messages integer[],
  p_lapse_seconds integer
) RETURNS TABLE (user_id text, outcome text, record_id uuid)
  LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_due timestamptz;
BEGIN
  WITH
  target AS (
    SELECT r.id, call.words, call.messages, r.due_at AS due_before
    FROM unnest(p_user_ids, p_avatar_session_ids, p_words, p_messages)
      AS call (user_id, avatar_session_id, words, messages)
    JOIN avatar_usage_records AS r ON r.avatar_session_id = call.avatar_session_id AND r.user_id = call.user_id
    WHERE r.status = 'active'
    ORDER BY r.id
    FOR NO KEY UPDATE OF r
  ),
  beat AS (
    UPDATE avatar_usage_records AS r
    SET
      last_heartbeat_at = greatest(p_now, r.last_heartbeat_at),
      words_spoken = greatest(r.words_spoken, target.words),
      messages_count = greatest(r.messages_count, target.messages),
      -- not joined: if the session was moved while this waited for it, a join would still have the month before, and miss it
      due_at = record_due(
        r.expires_at, (SELECT month.ends_at FROM billing_periods AS month WHERE month.period = r.quota_period),
        r.price_until, r.counted_from, r.ending_notice, greatest(p_now, r.last_heartbeat_at), p_lapse_seconds
      ),
      updated_at = p_now
    FROM target
    WHERE r.id = target.id
    RETURNING r.due_at, target.due_before
  )
  -- only a session's first heartbeat brings its due time forward
  SELECT min(due_at) INTO v_due FROM beat WHERE due_at < due_before;

  PERFORM announce_due(v_due);

  RETURN QUERY
  SELECT
    call.user_id,
    CASE
      WHEN r.status = 'active' THEN 'alive'
      WHEN r.id IS NULL OR r.status = 'reserved' THEN 'not_found'
      ELSE 'ended'
    END,
    r.id
  FROM unnest(p_user_ids, p_avatar_session_ids) AS call (user_id, avatar_session_id)
  LEFT JOIN avatar_usage_records AS r
    ON r.avatar_session_id = call.avatar_session_id AND r.user_id = call.user_id;
END
$$;

-- The user's own end of a session, or of a token that was never started: one a user, any number of users.
--
-- A record that is over already takes the totals and changes no money.
--
--   p_errors   what went wrong in the client, or null
--   outcome    ended, already_ended or not_found
CREATE FUNCTION end_sessions(
  p_now timestamptz, p_user_ids text[], p_avatar_session_ids text[], p_words integer[], p_messages integer[],
  p_errors text[], p_thresholds integer[]
) RETURNS TABLE (user_id text, outcome text, record_id uuid)
  LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_ids uuid[];
  v_reasons end_reason[];
  v_errors text[];
  v_open uuid[];
BEGIN
  SELECT
    array_agg(r.id),
    array_agg(CASE WHEN call.error IS NULL THEN 'user_ended' ELSE 'client_error' END::end_reason),
    array_agg(call.error)
  INTO v_ids, v_reasons, v_errors
  FROM unnest(p_user_ids, p_avatar_session_ids, p_errors) AS call (user_id, avatar_session_id, error)
  JOIN avatar_usage_records AS r ON r.avatar_session_id = call.avatar_session_id AND r.user_id = call.user_id;

  IF v_ids IS NOT NULL THEN
    PERFORM lock_records(p_now, v_ids);

    SELECT array_agg(r.id) FILTER (WHERE r.status IN ('reserved', 'active')) INTO v_open
    FROM (
      SELECT r.id, r.status
      FROM avatar_usage_records AS r
      WHERE r.id = ANY (v_ids)
      ORDER BY r.id
      FOR NO KEY UPDATE
    ) AS r;

    UPDATE avatar_usage_records AS r
    SET
      words_spoken = greatest(r.words_spoken, call.words),
      messages_count = greatest(r.messages_count, call.messages),
      updated_at = p_now
    FROM unnest(p_user_ids, p_avatar_session_ids, p_words, p_messages)
      AS call (user_id, avatar_session_id, words, messages)
    WHERE r.avatar_session_id = call.avatar_session_id AND r.user_id = call.user_id
      AND (call.words > r.words_spoken OR call.messages > r.messages_count);

    PERFORM end_records(p_now, v_ids, v_reasons, v_errors, 'track_end', p_thresholds);
  END IF;

  RETURN QUERY
  SELECT
    call.user_id,
    CASE WHEN r.id IS NULL THEN 'not_found' WHEN r.id = ANY (v_open) THEN 'ended' ELSE 'already_ended' END,
    r.id
  FROM unnest(p_user_ids, p_avatar_session_ids) AS call (user_id, avatar_session_id)
  LEFT JOIN avatar_usage_records AS r
    ON r.avatar_session_id = call.avatar_session_id AND r.user_id = call.user_id;
END
$$;
