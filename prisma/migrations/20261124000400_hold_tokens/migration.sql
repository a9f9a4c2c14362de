-- Admission: quota is held before the token exists.

-- What each call would get at this moment. Reads only; the caller of hold_tokens holds the locks.
--
--   outcome           granted, inactive, rate_limited, concurrency or exceeded
--   exceeded_limit    with exceeded: the limit that is nearest to its end
--   grant_seconds     min(available seconds, available cost ÷ price per second, p_max_session_seconds); the price is the
--                     dearest that can apply while the token and its session live
--   gives_way         records that end for this grant: those of the same conversation, and at the concurrency limit
--                     the user's oldest unused tokens. A running session of another conversation never gives way
--   retry_at          with rate_limited: when the next token may be asked for
CREATE FUNCTION decide_holds(
  p_now timestamptz, p_user_ids text[], p_session_ids text[], p_prices numeric[], p_steps integer[],
  p_minimums integer[], p_period text,
  p_min_session_seconds integer, p_max_session_seconds integer, p_max_concurrent_sessions integer,
  p_max_tokens_per_minute integer
) RETURNS TABLE (
  user_id text, outcome text, exceeded_limit quota_limit, grant_seconds integer, gives_way uuid[], retry_at timestamptz
)
  LANGUAGE sql STABLE AS $$
  WITH
  call AS (
    SELECT *
    FROM unnest(p_user_ids, p_session_ids, p_prices, p_steps, p_minimums)
      AS c (user_id, session_id, price, step, minimum)
  ),
  open_record AS (
    SELECT
      r.id, r.user_id, r.session_id = call.session_id AS same_conversation, r.status,
      row_number() OVER (
        PARTITION BY r.user_id, r.session_id = call.session_id ORDER BY r.status = 'active', r.created_at, r.id
      ) AS seniority,
      CASE WHEN r.quota_period = p_period THEN r.held_seconds - used.seconds ELSE 0 END AS returns_seconds,
      CASE WHEN r.quota_period = p_period
        THEN r.held_cost - CASE WHEN r.status = 'active'
          THEN unsettled_cost(r, r.settled_seconds + used.seconds) ELSE 0
        END
        ELSE 0
      END AS returns_cost
    FROM call
    JOIN avatar_usage_records AS r ON r.user_id = call.user_id AND r.status IN ('reserved', 'active')
    CROSS JOIN LATERAL (
      SELECT CASE WHEN r.status = 'active'
        THEN ceil(greatest(extract(epoch FROM least(p_now, r.expires_at) - r.counted_from), 0))::integer
        ELSE 0
      END AS seconds
    ) AS used
  ),
  -- how many unused tokens of other conversations must give way, and whether that is enough
  crowd AS (
    SELECT
      call.user_id,
      greatest(count(o.id) - (p_max_concurrent_sessions - 1), 0) AS excess,
      count(o.id) FILTER (WHERE o.status = 'reserved') AS unused
    FROM call
    LEFT JOIN open_record AS o ON o.user_id = call.user_id AND NOT o.same_conversation
    GROUP BY call.user_id
  ),
  yielding AS (
    SELECT
      o.user_id, array_agg(o.id ORDER BY o.id) AS ids,
      sum(o.returns_seconds) AS seconds, sum(o.returns_cost) AS cost
    FROM open_record AS o
    JOIN crowd ON crowd.user_id = o.user_id
    WHERE o.same_conversation OR (o.status = 'reserved' AND o.seniority <= crowd.excess)
    GROUP BY o.user_id
  ),
  room AS (
    SELECT
      call.user_id, q.is_active, crowd.excess > crowd.unused AS crowded,
      coalesce(yielding.ids, '{}') AS gives_way,
      available.seconds,
      -- null for a free avatar: the cost never binds
      affordable_seconds(0, available.cost, call.price, call.step, call.minimum) AS affordable_seconds,
      recent.at + interval '1 minute' AS retry_at
    FROM call
    JOIN usage_quotas AS q ON q.user_id = call.user_id AND q.current_month = p_period
    JOIN crowd ON crowd.user_id = call.user_id
    LEFT JOIN yielding ON yielding.user_id = call.user_id
    CROSS JOIN LATERAL (
      SELECT
        q.monthly_limit_minutes * 60::bigint - q.used_seconds - q.held_seconds + coalesce(yielding.seconds, 0) AS seconds,
        q.monthly_limit_cost - q.used_cost - q.held_cost + coalesce(yielding.cost, 0) AS cost
    ) AS available
    -- the grant that must be a minute old before the next one; the vendor's refusals were not grants
    LEFT JOIN LATERAL (
      SELECT r.created_at AS at
      FROM avatar_usage_records AS r
      WHERE r.user_id = call.user_id AND r.created_at > p_now - interval '1 minute'
        AND r.end_reason IS DISTINCT FROM 'vendor_error'
      ORDER BY r.created_at DESC
      OFFSET p_max_tokens_per_minute - 1 LIMIT 1
    ) AS recent ON true
  ),
  grants AS (
    SELECT room.*, floor(greatest(least(seconds, affordable_seconds, p_max_session_seconds), 0))::integer AS grant_seconds
    FROM room
  )
  SELECT
    grants.user_id,
    CASE
      WHEN NOT is_active THEN 'inactive'
      WHEN retry_at IS NOT NULL THEN 'rate_limited'
      WHEN crowded THEN 'concurrency'
      WHEN grants.grant_seconds < p_min_session_seconds THEN 'exceeded'
      ELSE 'granted'
    END,
    CASE WHEN affordable_seconds < seconds THEN 'cost' ELSE 'minutes' END::quota_limit,
    grants.grant_seconds,
    grants.gives_way,
    retry_at
  FROM grants
$$;

-- Holds quota for new tokens: one call a user, any number of users.
--
-- A new user's quota is created in the same statement, with the limits of the user's last month or else the defaults.
-- A refused call changes nothing but that.
CREATE FUNCTION hold_tokens(
  p_now timestamptz,
  p_record_ids uuid[], p_user_ids text[], p_session_ids text[], p_avatar_names text[], p_vendors text[],
  p_vendor_modes text[], p_vendor_caps boolean[], p_fallback_prices numeric[], p_currency text,
  p_default_limit_minutes integer, p_default_limit_cost numeric,
  p_min_session_seconds integer, p_max_session_seconds integer, p_max_concurrent_sessions integer,
  p_max_tokens_per_minute integer, p_token_ttl_seconds integer, p_thresholds integer[]
) RETURNS TABLE (
  user_id text, outcome text, exceeded_limit quota_limit, grant_seconds integer, retry_at timestamptz
)
  LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_period text;
  v_month_ends_at timestamptz;
  v_prices numeric[];
  v_steps integer[];
  v_minimums integer[];
  v_gives_way uuid[];
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

  SELECT
    array_agg(dearest.per_minute ORDER BY call.position),
    array_agg(dearest.billing_step_seconds ORDER BY call.position),
    array_agg(dearest.minimum_seconds ORDER BY call.position)
  INTO v_prices, v_steps, v_minimums
  FROM unnest(p_vendors, p_vendor_modes, p_fallback_prices) WITH ORDINALITY AS call (vendor, mode, fallback, position)
  CROSS JOIN LATERAL dearest_price(
    call.vendor, call.mode, p_currency, call.fallback, p_now,
    v_expires_at + make_interval(secs => p_max_session_seconds)
  ) AS dearest;

  SELECT array_agg(ids.id) INTO v_gives_way
  FROM decide_holds(
    p_now, p_user_ids, p_session_ids, v_prices, v_steps, v_minimums, v_period,
    p_min_session_seconds, p_max_session_seconds, p_max_concurrent_sessions, p_max_tokens_per_minute
  ) AS decision
  CROSS JOIN unnest(decision.gives_way) AS ids (id)
  WHERE decision.outcome = 'granted';

  IF v_gives_way IS NOT NULL THEN
    PERFORM close_records(
      p_now, array_agg(r.id), array_agg('superseded'::end_reason),
      -- least ignores null: without a cap the end is now
      array_agg(least(p_now, r.session_started_at + make_interval(secs => r.vendor_cap_seconds))),
      array_agg(NULL::text), 'hold'
    )
    FROM avatar_usage_records AS r
    WHERE r.id = ANY (v_gives_way);

    PERFORM refresh_records(p_now, v_gives_way, p_thresholds);
  END IF;

  PERFORM announce_due(least(v_expires_at, v_month_ends_at));

  RETURN QUERY
  WITH
  call AS (
    SELECT *
    FROM unnest(
      p_record_ids, p_user_ids, p_session_ids, p_avatar_names, p_vendors, p_vendor_modes, p_vendor_caps,
      p_fallback_prices, v_prices, v_steps, v_minimums
    ) AS c (
      record_id, user_id, session_id, avatar_name, vendor, vendor_mode, vendor_cap, fallback_price, dearest,
      dearest_step, dearest_minimum
    )
  ),
  decision AS MATERIALIZED (
    SELECT d.* FROM decide_holds(
      p_now, p_user_ids, p_session_ids, v_prices, v_steps, v_minimums, v_period,
      p_min_session_seconds, p_max_session_seconds, p_max_concurrent_sessions, p_max_tokens_per_minute
    ) AS d
  ),
  granted AS (
    SELECT
      call.*, price.*, decision.grant_seconds,
      hold_cost(0, decision.grant_seconds, call.dearest, call.dearest_step, call.dearest_minimum) AS held_cost
    FROM call
    JOIN decision ON decision.user_id = call.user_id
    CROSS JOIN LATERAL price_at(
      call.vendor, call.vendor_mode, p_currency, call.fallback_price, p_now
    ) AS price
    WHERE decision.outcome = 'granted'
  ),
  reserved AS (
    INSERT INTO avatar_usage_records
      (id, user_id, session_id, avatar_name, vendor, vendor_mode, billing_period, quota_period, status, currency,
       fallback_price, billing_step_seconds, minimum_seconds, price_per_minute, grant_seconds, vendor_cap_seconds, held_seconds, held_cost, expires_at, due_at, created_at, updated_at)
    SELECT
      record_id, user_id, session_id, avatar_name, vendor, vendor_mode, v_period, v_period, 'reserved', p_currency,
      fallback_price, billing_step_seconds, minimum_seconds, per_minute, grant_seconds, CASE WHEN vendor_cap THEN grant_seconds END, grant_seconds, held_cost, v_expires_at,
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
  SELECT decision.user_id, decision.outcome, decision.exceeded_limit, decision.grant_seconds, decision.retry_at
  FROM decision;
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
