-- What a run does with the sessions on the vendor's lists, and with those that are missing there.

-- Keeps what spends past us: sessions that no record names, until they have ended. A session that was taken for one, since
-- its user had not reported it yet, is let go. p_price is that of the settings, used as fallback_price says.
CREATE FUNCTION note_unattributed(
  p_now timestamptz, p_vendor text, p_currency text, p_price numeric, p_price_is_set boolean, p_session_ids text[], p_modes text[],
  p_sources text[], p_started_ats timestamptz[], p_ended_ats timestamptz[], p_seconds integer[], p_credits numeric[],
  p_credits_per_minute numeric[], p_end_reasons text[]
) RETURNS void
  LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM unattributed_sessions AS u
  USING avatar_usage_records AS r
  WHERE u.vendor = p_vendor AND u.avatar_session_id = ANY (p_session_ids) AND r.avatar_session_id = u.avatar_session_id;

  INSERT INTO unattributed_sessions
    (vendor, avatar_session_id, source, mode, started_at, period, ended_at, seconds, cost, currency, end_reason, seen_at)
  SELECT
    p_vendor, call.id, call.source, call.mode, call.started_at, period_of(call.started_at), call.ended_at, call.seconds,
    cost_by_prices(p_vendor, coalesce(call.mode, ''), p_currency, fallback, call.started_at, billed),
    p_currency, call.end_reason, p_now
  FROM unnest(
    p_session_ids, p_modes, p_sources, p_started_ats, p_ended_ats, p_seconds, p_credits, p_credits_per_minute, p_end_reasons
  ) AS call (id, mode, source, started_at, ended_at, seconds, credits, credits_per_minute, end_reason)
  CROSS JOIN LATERAL fallback_price(
    p_vendor, coalesce(call.mode, ''), p_currency, p_price, p_price_is_set
  ) AS fallback
  CROSS JOIN LATERAL price_at(p_vendor, coalesce(call.mode, ''), p_currency, fallback, call.started_at) AS price
  CROSS JOIN LATERAL vendor_billed_seconds(
    call.seconds, call.credits, call.credits_per_minute, price.billing_step_seconds, price.minimum_seconds
  ) AS billed
  WHERE NOT EXISTS (SELECT FROM avatar_usage_records AS r WHERE r.avatar_session_id = call.id)
  ORDER BY call.id
  ON CONFLICT (vendor, avatar_session_id) DO UPDATE SET
    source = excluded.source,
    mode = excluded.mode,
    ended_at = excluded.ended_at,
    seconds = excluded.seconds,
    cost = excluded.cost,
    end_reason = excluded.end_reason,
    seen_at = excluded.seen_at
  WHERE unattributed_sessions.ended_at IS NULL;
END
$$;

-- Books sessions that the vendor has ended. Those that are open for us end when they ended there.
--
--   outcome   corrected, confirmed, known (booked before) or unattributed
CREATE FUNCTION reconcile_ended(
  p_now timestamptz, p_vendor text, p_currency text, p_price numeric, p_price_is_set boolean, p_session_ids text[], p_modes text[],
  p_sources text[], p_started_ats timestamptz[], p_ended_ats timestamptz[], p_seconds integer[], p_credits numeric[],
  p_credits_per_minute numeric[], p_end_reasons text[], p_thresholds integer[]
) RETURNS TABLE (avatar_session_id text, outcome text)
  LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_ids uuid[];
  v_started_ats timestamptz[];
  v_seconds integer[];
  v_corrected uuid[] := '{}';
BEGIN
  SELECT array_agg(r.id), array_agg(call.started_at), array_agg(call.seconds) INTO v_ids, v_started_ats, v_seconds
  FROM unnest(p_session_ids, p_started_ats, p_seconds, p_credits) AS call (id, started_at, seconds, credits)
  JOIN avatar_usage_records AS r ON r.avatar_session_id = call.id
  WHERE r.vendor = p_vendor AND awaits_figures(r, call.seconds, call.credits);

  IF v_ids IS NOT NULL THEN
    PERFORM lock_figures(p_now, v_ids, v_started_ats, v_seconds);

    PERFORM close_records(
      p_now, array_agg(r.id), array_agg('vendor_ended'::end_reason), array_agg(least(p_now, call.ended_at)),
      array_agg(NULL::text), 'reconciler'
    )
    FROM unnest(p_session_ids, p_ended_ats) AS call (id, ended_at)
    JOIN avatar_usage_records AS r ON r.avatar_session_id = call.id
    WHERE r.id = ANY (v_ids) AND r.status IN ('reserved', 'active');

    -- asked once more: another run may have booked it while this one waited
    SELECT correct_records(
      p_now, array_agg(r.id), array_agg(call.mode), array_agg(call.started_at), array_agg(call.ended_at),
      array_agg(call.seconds), array_agg(call.credits), array_agg(call.credits_per_minute), array_agg(call.end_reason),
      p_thresholds
    ) INTO v_corrected
    FROM unnest(
      p_session_ids, p_modes, p_started_ats, p_ended_ats, p_seconds, p_credits, p_credits_per_minute, p_end_reasons
    ) AS call (id, mode, started_at, ended_at, seconds, credits, credits_per_minute, end_reason)
    JOIN avatar_usage_records AS r ON r.avatar_session_id = call.id
    WHERE r.id = ANY (v_ids) AND awaits_figures(r, call.seconds, call.credits);

    PERFORM refresh_records(p_now, v_ids, p_thresholds);
  END IF;

  PERFORM note_unattributed(
    p_now, p_vendor, p_currency, p_price, p_price_is_set, p_session_ids, p_modes, p_sources, p_started_ats, p_ended_ats,
    p_seconds, p_credits, p_credits_per_minute, p_end_reasons
  );

  RETURN QUERY
  SELECT
    call.id,
    CASE
      WHEN r.id IS NULL THEN 'unattributed'
      WHEN r.id = ANY (v_corrected) THEN 'corrected'
      WHEN r.id = ANY (v_ids) THEN 'confirmed'
      ELSE 'known'
    END
  FROM unnest(p_session_ids) AS call (id)
  LEFT JOIN avatar_usage_records AS r ON r.avatar_session_id = call.id;
END
$$;

-- Takes note of sessions that run at the vendor. A token whose start nobody has reported starts when it did there; a
-- session that is over for us is stopped, also if the vendor has confirmed that before the list was read.
--
--   p_read_at   when the reading of the list began
--   outcome     running, started, stopped or unattributed
CREATE FUNCTION reconcile_active(
  p_now timestamptz, p_read_at timestamptz, p_vendor text, p_currency text, p_price numeric, p_price_is_set boolean,
  p_session_ids text[], p_modes text[], p_sources text[], p_started_ats timestamptz[], p_seconds integer[],
  p_credits numeric[], p_credits_per_minute numeric[], p_thresholds integer[]
) RETURNS TABLE (avatar_session_id text, outcome text)
  LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_tokens uuid[];
  v_token record;
  v_started uuid[] := '{}';
  v_stop_due timestamptz;
BEGIN
  SELECT array_agg(r.id) INTO v_tokens
  FROM avatar_usage_records AS r
  WHERE r.avatar_session_id = ANY (p_session_ids) AND r.vendor = p_vendor AND r.status = 'reserved';

  IF v_tokens IS NOT NULL THEN
    -- no price is entered between its reading and the commit; taken before any quota, as by everybody who needs both
    PERFORM pg_advisory_xact_lock_shared(hashtext('prices'));
    PERFORM lock_records(p_now, v_tokens);

    -- each as of a moment of its own
    FOR v_token IN
      SELECT
        r.id, r.user_id, r.session_id, r.avatar_session_id,
        -- one that was taken over the end of a month starts in the new one
        least(greatest(call.started_at, r.created_at, month.starts_at), p_now) AS started_at
      FROM unnest(p_session_ids, p_started_ats) AS call (id, started_at)
      JOIN avatar_usage_records AS r ON r.avatar_session_id = call.id
      JOIN billing_periods AS month ON month.period = r.quota_period
      WHERE r.id = ANY (v_tokens) AND r.status = 'reserved'
      ORDER BY r.user_id, r.id
    LOOP
      SELECT v_started || array_agg(session.record_id) INTO v_started
      FROM start_sessions(
        v_token.started_at, ARRAY[v_token.user_id], ARRAY[v_token.session_id], ARRAY[v_token.avatar_session_id],
        ARRAY[NULL::text], p_thresholds
      ) AS session
      WHERE session.outcome = 'started';
    END LOOP;
  END IF;

  WITH
  over AS (
    SELECT r.id, r.vendor, r.avatar_session_id, r.end_reason
    FROM avatar_usage_records AS r
    WHERE r.avatar_session_id = ANY (p_session_ids) AND r.vendor = p_vendor AND r.status NOT IN ('reserved', 'active')
    ORDER BY r.id
    FOR NO KEY UPDATE
  ),
  -- what it takes from now on is not known yet
  reopened AS (
    UPDATE avatar_usage_records AS r
    SET reconciled_at = NULL
    FROM over
    WHERE r.id = over.id AND r.reconciled_at IS NOT NULL
  ),
  stops AS (
    INSERT INTO vendor_stops (record_id, vendor, avatar_session_id, reason, next_attempt_at, created_at)
    SELECT id, vendor, avatar_session_id, end_reason, p_now, p_now
    FROM over
    ON CONFLICT (record_id) DO UPDATE SET
      attempts = 0, next_attempt_at = p_now, confirmed_at = NULL, last_error = NULL, created_at = p_now
    WHERE vendor_stops.confirmed_at < p_read_at
    RETURNING next_attempt_at
  )
  SELECT min(stops.next_attempt_at) INTO v_stop_due FROM stops;

  PERFORM announce_due(v_stop_due);

  PERFORM note_unattributed(
    p_now, p_vendor, p_currency, p_price, p_price_is_set, p_session_ids, p_modes, p_sources, p_started_ats,
    array_fill(NULL::timestamptz, ARRAY[cardinality(p_session_ids)]), p_seconds, p_credits, p_credits_per_minute,
    array_fill(NULL::text, ARRAY[cardinality(p_session_ids)])
  );

  RETURN QUERY
  SELECT
    call.id,
    CASE
      WHEN r.id IS NULL THEN 'unattributed'
      WHEN r.id = ANY (v_started) THEN 'started'
      WHEN r.status IN ('reserved', 'active') THEN 'running'
      ELSE 'stopped'
    END
  FROM unnest(p_session_ids) AS call (id)
  LEFT JOIN avatar_usage_records AS r ON r.avatar_session_id = call.id;
END
$$;

-- Books sessions that the vendor does not know as what they were: never started there. What is open is left alone.
--
--   outcome   corrected, confirmed or known
CREATE FUNCTION reconcile_unknown(
  p_now timestamptz, p_vendor text, p_session_ids text[], p_thresholds integer[]
) RETURNS TABLE (avatar_session_id text, outcome text)
  LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_ids uuid[];
  v_corrected uuid[];
BEGIN
  -- one of those that spend past us can be forgotten too: it ended after it was seen last
  UPDATE unattributed_sessions AS u
  SET ended_at = u.seen_at
  WHERE u.vendor = p_vendor AND u.avatar_session_id = ANY (p_session_ids) AND u.ended_at IS NULL;

  SELECT array_agg(r.id) INTO v_ids
  FROM avatar_usage_records AS r
  WHERE r.avatar_session_id = ANY (p_session_ids) AND r.vendor = p_vendor;

  PERFORM lock_records(p_now, v_ids);

  SELECT array_agg(r.id) INTO v_ids
  FROM avatar_usage_records AS r
  WHERE r.id = ANY (v_ids) AND r.status NOT IN ('reserved', 'active') AND r.reconciled_at IS NULL;

  SELECT correct_records(
    p_now, array_agg(unknown.id), array_agg(NULL::text), array_agg(NULL::timestamptz), array_agg(NULL::timestamptz),
    array_agg(0), array_agg(0::numeric), array_agg(NULL::numeric), array_agg(NULL::text), p_thresholds
  ) INTO v_corrected
  FROM unnest(v_ids) AS unknown (id);

  RETURN QUERY
  SELECT
    call.id,
    CASE WHEN r.id = ANY (v_corrected) THEN 'corrected' WHEN r.id = ANY (v_ids) THEN 'confirmed' ELSE 'known' END
  FROM unnest(p_session_ids) AS call (id)
  LEFT JOIN avatar_usage_records AS r ON r.avatar_session_id = call.id;
END
$$;
