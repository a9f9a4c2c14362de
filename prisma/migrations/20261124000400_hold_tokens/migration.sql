-- Tokens: quota is held before they exist.

-- Holds quota for new tokens: one call a user, any number of users.
--
-- A new user's quota is created in the same statement, with the limits of the user's last month or else the defaults.
-- Sessions that run on from last month are taken over its end first, as the sweeper would: they hold of this month before
-- anybody else. A refused call changes nothing but that.
--
--   p_lapse_seconds          how long after its last heartbeat a session ends
--   p_prices                 those of the settings, used as fallback_price says
--   p_account_cost_limit     for all users together in a month; null for none
--   p_account_max_sessions   tokens and sessions of all users at one time; null for any number
--   outcome, exceeded_limit, grant_seconds, retry_at   as in hold_decision
CREATE FUNCTION hold_tokens(
  p_now timestamptz,
  p_record_ids uuid[], p_user_ids text[], p_session_ids text[], p_avatar_names text[], p_vendors text[],
  p_vendor_modes text[], p_vendor_caps boolean[], p_prices numeric[], p_price_is_set boolean, p_currency text,
  p_default_limit_minutes integer, p_default_limit_cost numeric,
  p_min_session_seconds integer, p_max_session_seconds integer, p_max_concurrent_sessions integer,
  p_max_tokens_per_minute integer, p_token_ttl_seconds integer, p_lapse_seconds integer, p_thresholds integer[],
  p_account_cost_limit numeric, p_account_max_sessions integer
) RETURNS TABLE (
  user_id text, outcome text, exceeded_limit quota_limit, grant_seconds integer, retry_at timestamptz
)
  LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_has_ceiling boolean := p_account_cost_limit IS NOT NULL OR p_account_max_sessions IS NOT NULL;
  v_period text;
  v_month_ends_at timestamptz;
  v_moving uuid[];
  v_fallback_prices numeric[];
  v_decisions hold_decision[];
  v_gives_way uuid[];
  v_call record;
  v_told integer;
  v_expires_at timestamptz := p_now + make_interval(secs => p_token_ttl_seconds);
BEGIN
  SELECT month.period, month.ends_at INTO STRICT v_period, v_month_ends_at
  FROM billing_periods AS month
  -- the one that ends next: where the billing time zone was changed, there may be hours between two months
  WHERE month.ends_at > p_now
  ORDER BY month.ends_at
  LIMIT 1;

  -- no price is entered between its reading here and the commit
  PERFORM pg_advisory_xact_lock_shared(hashtext('prices'));

  PERFORM ensure_quotas(
    p_now, p_user_ids, array_fill(v_period, ARRAY[cardinality(p_user_ids)]), p_default_limit_minutes,
    p_default_limit_cost
  );

  -- last month's quota too where a session still holds of it: it may give way
  PERFORM FROM usage_quotas AS q
  WHERE q.user_id = ANY (p_user_ids) AND (q.current_month = v_period OR q.held_seconds > 0)
  ORDER BY q.user_id, q.current_month
  FOR NO KEY UPDATE;

  IF v_has_ceiling THEN
    PERFORM lock_account(ARRAY[previous_period(v_period), v_period]);
  END IF;

  SELECT array_agg(r.id) INTO v_moving
  FROM avatar_usage_records AS r
  WHERE r.user_id = ANY (p_user_ids) AND r.status IN ('reserved', 'active')
    AND r.quota_period = previous_period(v_period)
    -- least ignores null: without heartbeats no lapse. What is over is left to the sweeper, and returns nothing here
    AND least(r.expires_at, r.last_heartbeat_at + make_interval(secs => p_lapse_seconds)) > p_now;

  IF v_moving IS NOT NULL THEN
    PERFORM move_records(p_now, v_moving, p_lapse_seconds);
    PERFORM refresh_records(p_now, v_moving, p_thresholds);
  END IF;

  v_fallback_prices := ARRAY(
    SELECT fallback_price(call.vendor, call.mode, p_currency, call.price, p_price_is_set)
    FROM unnest(p_vendors, p_vendor_modes, p_prices) WITH ORDINALITY AS call (vendor, mode, price, position)
    ORDER BY call.position
  );
  v_decisions := ARRAY(
    SELECT decision
    FROM decide_holds(
      p_now, p_user_ids, p_session_ids, p_vendors, p_vendor_modes, v_fallback_prices, p_currency, v_period,
      p_min_session_seconds, p_max_session_seconds, p_max_concurrent_sessions, p_max_tokens_per_minute,
      p_token_ttl_seconds
    ) AS decision
  );
  IF v_has_ceiling THEN
    v_decisions := ARRAY(
      SELECT fitted
      FROM fit_to_account(
        v_decisions, v_period, p_min_session_seconds, p_account_cost_limit, p_account_max_sessions
      ) AS fitted
    );
  END IF;

  SELECT array_agg(ids.id) INTO v_gives_way
  FROM unnest(v_decisions) AS decision
  CROSS JOIN unnest(decision.gives_way) AS ids (id)
  WHERE decision.outcome = 'granted';

  -- what is given up for one call's token must not go to another's: each is decided when the ones before it are through
  IF v_has_ceiling AND v_gives_way IS NOT NULL AND cardinality(p_user_ids) > 1 THEN
    FOR v_call IN
      SELECT *
      FROM unnest(
        p_record_ids, p_user_ids, p_session_ids, p_avatar_names, p_vendors, p_vendor_modes, p_vendor_caps, p_prices
      ) AS call (record_id, user_id, session_id, avatar_name, vendor, vendor_mode, vendor_cap, price)
    LOOP
      RETURN QUERY
      SELECT * FROM hold_tokens(
        p_now, ARRAY[v_call.record_id], ARRAY[v_call.user_id], ARRAY[v_call.session_id], ARRAY[v_call.avatar_name],
        ARRAY[v_call.vendor], ARRAY[v_call.vendor_mode], ARRAY[v_call.vendor_cap], ARRAY[v_call.price],
        p_price_is_set, p_currency, p_default_limit_minutes, p_default_limit_cost, p_min_session_seconds,
        p_max_session_seconds, p_max_concurrent_sessions, p_max_tokens_per_minute, p_token_ttl_seconds, p_lapse_seconds,
        p_thresholds, p_account_cost_limit, p_account_max_sessions
      );
    END LOOP;
    RETURN;
  END IF;

  IF v_gives_way IS NOT NULL THEN
    PERFORM close_records(
      p_now, array_agg(r.id), array_agg('superseded'::end_reason),
      -- least ignores null: without a cap the end is now
      array_agg(least(p_now, vendor_ends_at(r))),
      array_agg(NULL::text), 'hold'
    )
    FROM avatar_usage_records AS r
    WHERE r.id = ANY (v_gives_way);

    PERFORM refresh_records(p_now, v_gives_way, p_thresholds);

    -- what they returned is known only now. Who was refused stays so: nothing gave way for them
    v_decisions := ARRAY(
      SELECT CASE WHEN before.outcome = 'granted' THEN again ELSE before END
      FROM unnest(v_decisions) AS before
      JOIN decide_holds(
        p_now, p_user_ids, p_session_ids, p_vendors, p_vendor_modes, v_fallback_prices, p_currency, v_period,
        p_min_session_seconds, p_max_session_seconds, p_max_concurrent_sessions, p_max_tokens_per_minute,
        p_token_ttl_seconds
      ) AS again ON again.user_id = before.user_id
      ORDER BY array_position(p_user_ids, before.user_id)
    );
    IF v_has_ceiling THEN
      v_decisions := ARRAY(
        SELECT fitted
        FROM fit_to_account(
          v_decisions, v_period, p_min_session_seconds, p_account_cost_limit, p_account_max_sessions
        ) AS fitted
      );
    END IF;
  END IF;

  PERFORM announce_due(least(v_expires_at, v_month_ends_at));

  WITH
  granted AS (
    SELECT
      call.*, price.*, decision.grant_seconds,
      hold_cost(0, decision.grant_seconds, decision.price, decision.step, decision.minimum) AS held_cost
    FROM unnest(
      p_record_ids, p_user_ids, p_session_ids, p_avatar_names, p_vendors, p_vendor_modes, p_vendor_caps,
      v_fallback_prices
    ) AS call (record_id, user_id, session_id, avatar_name, vendor, vendor_mode, vendor_cap, fallback_price)
    JOIN unnest(v_decisions) AS decision ON decision.user_id = call.user_id
    CROSS JOIN LATERAL price_at(call.vendor, call.vendor_mode, p_currency, call.fallback_price, p_now) AS price
    WHERE decision.outcome = 'granted'
  ),
  reserved AS (
    INSERT INTO avatar_usage_records
      (id, user_id, session_id, avatar_name, vendor, vendor_mode, billing_period, quota_period, status, currency,
       fallback_price, billing_step_seconds, minimum_seconds, price_per_minute, grant_seconds, vendor_cap_seconds,
       held_seconds, held_cost, expires_at, due_at, created_at, updated_at)
    SELECT
      record_id, user_id, session_id, avatar_name, vendor, vendor_mode, v_period, v_period, 'reserved', p_currency,
      fallback_price, billing_step_seconds, minimum_seconds, per_minute, grant_seconds,
      CASE WHEN vendor_cap THEN grant_seconds END, grant_seconds, held_cost, v_expires_at,
      least(v_expires_at, v_month_ends_at), p_now, p_now
    FROM granted
  ),
  booked AS (
    INSERT INTO quota_ledger (user_id, period, record_id, entry, held_seconds, held_cost, reason, actor, created_at)
    SELECT user_id, v_period, record_id, 'hold', grant_seconds, held_cost, 'token_created', user_id, p_now
    FROM granted
  ),
  updated AS (
    UPDATE usage_quotas AS q
    SET
      held_seconds = q.held_seconds + granted.grant_seconds,
      held_cost = q.held_cost + granted.held_cost,
      version = q.version + 1,
      updated_at = p_now
    FROM granted
    WHERE q.user_id = granted.user_id AND q.current_month = v_period
    RETURNING q.user_id, publish_quota_event(q.user_id, v_period, q.version, 'token_created', p_now, granted.record_id)
  )
  SELECT count(*) INTO v_told FROM updated;

  IF v_has_ceiling THEN
    PERFORM warn_of_account(p_now, v_period, p_account_cost_limit, p_thresholds);
  END IF;

  RETURN QUERY
  SELECT decision.user_id, decision.outcome, decision.exceeded_limit, decision.grant_seconds, decision.retry_at
  FROM unnest(v_decisions) AS decision;
END
$$;

-- Notes what the vendor minted. The unused token's time to live counts from here.
--
-- False for a record that ended, or lost its hold to a lower limit, while the vendor was asked: its token must not go
-- out. The vendor's session is noted for a stop all the same, in the one case here, in the other when the sweeper ends it.
CREATE FUNCTION attach_tokens(
  p_now timestamptz, p_record_ids uuid[], p_avatar_session_ids text[], p_token_hashes bytea[],
  p_token_ttl_seconds integer
) RETURNS TABLE (record_id uuid, attached boolean)
  LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_expires_at timestamptz := p_now + make_interval(secs => p_token_ttl_seconds);
BEGIN
  RETURN QUERY
  WITH
  call AS (
    SELECT * FROM unnest(p_record_ids, p_avatar_session_ids, p_token_hashes) AS c (id, avatar_session_id, token_hash)
  ),
  locked AS (
    SELECT r.id, call.avatar_session_id, call.token_hash
    FROM call
    JOIN avatar_usage_records AS r ON r.id = call.id
    ORDER BY r.id
    FOR NO KEY UPDATE OF r
  ),
  noted AS (
    UPDATE avatar_usage_records AS r
    SET
      avatar_session_id = locked.avatar_session_id,
      token_hash = locked.token_hash,
      expires_at = CASE WHEN r.status = 'reserved' AND r.held_seconds > 0 THEN v_expires_at ELSE r.expires_at END,
      -- not joined: if the record was moved while this waited for it, a join would still have the month before, and miss it
      due_at = CASE WHEN r.status = 'reserved' AND r.held_seconds > 0
        THEN least(v_expires_at, (SELECT month.ends_at FROM billing_periods AS month WHERE month.period = r.quota_period))
        ELSE r.due_at
      END,
      updated_at = p_now
    FROM locked
    WHERE r.id = locked.id
    RETURNING r.id, r.status, r.held_seconds, r.vendor, r.avatar_session_id, r.end_reason
  ),
  stops AS (
    INSERT INTO vendor_stops (record_id, vendor, avatar_session_id, reason, next_attempt_at, created_at)
    SELECT id, vendor, avatar_session_id, end_reason, p_now, p_now
    FROM noted
    WHERE status <> 'reserved' AND avatar_session_id IS NOT NULL
    ON CONFLICT (record_id) DO NOTHING
    RETURNING announce_due(next_attempt_at)
  )
  SELECT noted.id, noted.status = 'reserved' AND noted.held_seconds > 0 FROM noted;
END
$$;
