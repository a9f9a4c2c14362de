-- Admission: what each call for a token would get. Nothing here writes.

-- What a call gets, and what follows from it.
CREATE TYPE hold_decision AS (
  user_id text,
  -- granted, inactive, rate_limited, concurrency, exceeded, account_crowded or account_exceeded
  outcome text,
  -- with exceeded: the limit that is nearest to its end
  exceeded_limit quota_limit,
  grant_seconds integer,
  -- records that end for this grant, and what they return
  gives_way uuid[],
  returns_cost numeric,
  -- with rate_limited: when the next token may be asked for
  retry_at timestamptz,
  -- what is held for: the dearest that can apply while the token and its session live
  price numeric,
  step integer,
  minimum integer
);

-- What each call would get at this moment. Reads only; the caller of hold_tokens holds the locks.
--
--   grant_seconds     min(available seconds, available cost ÷ price per second, p_max_session_seconds)
--   gives_way         those of the same conversation, and at the concurrency limit the user's oldest unused tokens. A
--                     running session of another conversation never gives way
CREATE FUNCTION decide_holds(
  p_now timestamptz, p_user_ids text[], p_session_ids text[], p_vendors text[], p_vendor_modes text[],
  p_fallback_prices numeric[], p_currency text, p_period text, p_min_session_seconds integer,
  p_max_session_seconds integer, p_max_concurrent_sessions integer, p_max_tokens_per_minute integer,
  p_token_ttl_seconds integer
) RETURNS SETOF hold_decision
  LANGUAGE sql STABLE AS $$
  WITH
  call AS (
    SELECT
      c.user_id, c.session_id, c.position,
      dearest.per_minute AS price, dearest.billing_step_seconds AS step, dearest.minimum_seconds AS minimum
    FROM unnest(p_user_ids, p_session_ids, p_vendors, p_vendor_modes, p_fallback_prices)
      WITH ORDINALITY AS c (user_id, session_id, vendor, mode, fallback, position)
    CROSS JOIN LATERAL dearest_price(
      c.vendor, c.mode, p_currency, c.fallback, p_now,
      p_now + make_interval(secs => p_token_ttl_seconds + p_max_session_seconds)
    ) AS dearest
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
      call.*, q.is_active, crowd.excess > crowd.unused AS crowded,
      coalesce(yielding.ids, '{}') AS gives_way,
      coalesce(yielding.cost, 0) AS returns_cost,
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
    grants.grant_seconds, gives_way, returns_cost, retry_at, price, step, minimum
  FROM grants
  ORDER BY position
$$;

-- Lets as many of the decided calls through as the account has room for, one after the other.
--
-- What is left of the account's budget may be less than a grant: then the grant is that. What is still held in the month
-- before is about to move into this one, and counts. The caller holds the locks on the account's budgets of both, without
-- which no token is given out while there is a ceiling.
--
--   p_cost_limit     of the account, for the period; null for none
--   p_max_sessions   unused tokens and running sessions of all users; null for any number
CREATE FUNCTION fit_to_account(
  p_decisions hold_decision[], p_period text, p_min_session_seconds integer, p_cost_limit numeric, p_max_sessions integer
) RETURNS SETOF hold_decision
  LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_decision hold_decision;
  v_budget numeric;
  v_places bigint;
BEGIN
  SELECT p_cost_limit - a.used_cost - a.held_cost - coalesce(before.held_cost, 0) INTO STRICT v_budget
  FROM account_budgets AS a
  LEFT JOIN account_budgets AS before ON before.period = previous_period(p_period)
  WHERE a.period = p_period;

  IF p_max_sessions IS NOT NULL THEN
    SELECT p_max_sessions - count(*) INTO v_places
    FROM avatar_usage_records AS r
    WHERE r.status IN ('reserved', 'active');
  END IF;

  FOREACH v_decision IN ARRAY p_decisions LOOP
    IF v_decision.outcome = 'granted' THEN
      IF p_cost_limit IS NOT NULL THEN
        v_decision.grant_seconds := least(v_decision.grant_seconds, affordable_seconds(
          0, v_budget + v_decision.returns_cost, v_decision.price, v_decision.step, v_decision.minimum
        ));
      END IF;
      IF v_places + cardinality(v_decision.gives_way) < 1 THEN
        v_decision.outcome := 'account_crowded';
      ELSIF v_decision.grant_seconds < p_min_session_seconds THEN
        v_decision.outcome := 'account_exceeded';
      ELSE
        v_places := v_places + cardinality(v_decision.gives_way) - 1;
        v_budget := v_budget + v_decision.returns_cost - hold_cost(
          0, v_decision.grant_seconds, v_decision.price, v_decision.step, v_decision.minimum
        );
      END IF;
    END IF;
    RETURN NEXT v_decision;
  END LOOP;
END
$$;

