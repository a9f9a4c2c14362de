-- What a session costs.
--
-- Every second has the price in force at its start. Seconds are counted from the session's start, so a price that comes
-- into force in the middle of a second counts from the next one.

-- The cost of a number of seconds at one price, to the sixth decimal.
CREATE FUNCTION session_cost(p_seconds numeric, p_price_per_minute numeric) RETURNS numeric
  LANGUAGE sql IMMUTABLE
  RETURN round(p_seconds * p_price_per_minute / 60, 6);

-- The price where the operator has entered no dated one: the one of the settings, if it is set there. If not, null, which
-- stands for the vendor's list price, or the default where the vendor has none.
CREATE FUNCTION fallback_price(
  p_vendor text, p_mode text, p_currency text, p_price_per_minute numeric, p_is_set boolean
) RETURNS numeric
  LANGUAGE sql STABLE
  RETURN CASE WHEN p_is_set OR NOT EXISTS (
    SELECT FROM prices AS list
    WHERE list.vendor = p_vendor AND list.mode = p_mode AND list.currency = p_currency AND list.is_list
  ) THEN p_price_per_minute END;

-- The prices of a vendor's mode one after the other, without a gap: before the first that the operator has entered there is
-- the fallback, or the vendor's list.
CREATE FUNCTION price_list(p_vendor text, p_mode text, p_currency text, p_fallback numeric) RETURNS TABLE (
  starts_at timestamptz, ends_at timestamptz, per_minute numeric, billing_step_seconds integer, minimum_seconds integer
)
  LANGUAGE sql STABLE AS $$
  SELECT
    p.effective_from, lead(p.effective_from, 1, 'infinity') OVER (ORDER BY p.effective_from), p.per_minute,
    p.billing_step_seconds, p.minimum_seconds
  FROM (
    SELECT '-infinity'::timestamptz AS effective_from, p_fallback AS per_minute, 1 AS billing_step_seconds,
      0 AS minimum_seconds
    WHERE p_fallback IS NOT NULL
    UNION ALL
    SELECT dated.effective_from, dated.per_minute, dated.billing_step_seconds, dated.minimum_seconds
    FROM prices AS dated
    WHERE dated.vendor = p_vendor AND dated.mode = p_mode AND dated.currency = p_currency
      AND (p_fallback IS NULL OR NOT dated.is_list)
  ) AS p
$$;

-- The first second, counted from a moment, that does not begin before another one: one price ends there, and the next
-- begins. The ends of the list are infinite, and before version 17 PostgreSQL subtracts nothing from infinity.
CREATE FUNCTION first_second(p_from timestamptz, p_at timestamptz) RETURNS numeric
  LANGUAGE sql IMMUTABLE
  RETURN CASE
    WHEN isfinite(p_at) THEN ceil(extract(epoch FROM p_at - p_from))
    WHEN p_at > p_from THEN 'infinity'::numeric
    ELSE '-infinity'::numeric
  END;

-- The cost of whole seconds from a moment on, second by second.
CREATE FUNCTION cost_by_prices(
  p_vendor text, p_mode text, p_currency text, p_fallback numeric, p_from timestamptz, p_seconds integer
) RETURNS numeric
  LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(session_cost(
    least(first_second(p_from, price.ends_at), p_seconds) - greatest(first_second(p_from, price.starts_at), 0),
    price.per_minute
  )), 0)
  FROM price_list(p_vendor, p_mode, p_currency, p_fallback) AS price
  WHERE first_second(p_from, price.ends_at) > 0 AND first_second(p_from, price.starts_at) < p_seconds
$$;

-- Seconds rounded up to the vendor's step and minimum. None for a session of no length.
CREATE FUNCTION billed_seconds(p_seconds integer, p_step integer, p_minimum integer) RETURNS integer
  LANGUAGE sql IMMUTABLE
  RETURN CASE WHEN p_seconds > 0 THEN greatest(ceil(p_seconds::numeric / p_step)::integer * p_step, p_minimum) ELSE 0 END;

-- The price that is in force at a moment.
CREATE FUNCTION price_at(p_vendor text, p_mode text, p_currency text, p_fallback numeric, p_at timestamptz) RETURNS TABLE (
  per_minute numeric, billing_step_seconds integer, minimum_seconds integer
)
  LANGUAGE sql STABLE AS $$
  SELECT price.per_minute, price.billing_step_seconds, price.minimum_seconds
  FROM price_list(p_vendor, p_mode, p_currency, p_fallback) AS price
  WHERE p_at >= price.starts_at AND p_at < price.ends_at
$$;

-- The dearest that can apply between two moments: of price, step and minimum the highest each.
CREATE FUNCTION dearest_price(
  p_vendor text, p_mode text, p_currency text, p_fallback numeric, p_from timestamptz, p_until timestamptz
) RETURNS TABLE (per_minute numeric, billing_step_seconds integer, minimum_seconds integer)
  LANGUAGE sql STABLE AS $$
  SELECT max(price.per_minute), max(price.billing_step_seconds), max(price.minimum_seconds)
  FROM price_list(p_vendor, p_mode, p_currency, p_fallback) AS price
  WHERE price.ends_at > p_from AND price.starts_at <= p_until
$$;

-- The dearest that can apply to an open record between two moments. How a running session is rounded up is known since its
-- start.
CREATE FUNCTION dearest_of_record(p_record avatar_usage_records, p_from timestamptz, p_until timestamptz) RETURNS TABLE (
  per_minute numeric, billing_step_seconds integer, minimum_seconds integer
)
  LANGUAGE sql STABLE AS $$
  SELECT
    dearest.per_minute,
    CASE WHEN p_record.status = 'active' THEN p_record.billing_step_seconds ELSE dearest.billing_step_seconds END,
    CASE WHEN p_record.status = 'active' THEN p_record.minimum_seconds ELSE dearest.minimum_seconds END
  FROM dearest_price(
    p_record.vendor, p_record.vendor_mode, p_record.currency, p_record.fallback_price, p_from, p_until
  ) AS dearest
$$;

-- What is held for a number of seconds more of a session of which some are settled already: as the vendor will bill them.
CREATE FUNCTION hold_cost(
  p_settled_seconds integer, p_seconds integer, p_price_per_minute numeric, p_step integer, p_minimum integer
) RETURNS numeric
  LANGUAGE sql IMMUTABLE
  RETURN CASE WHEN p_seconds > 0
    THEN session_cost(
      billed_seconds(p_settled_seconds + p_seconds, p_step, p_minimum) - p_settled_seconds, p_price_per_minute
    )
    ELSE 0
  END;

-- For how many seconds more an amount covers what is held for them. Null where they are free.
CREATE FUNCTION affordable_seconds(
  p_settled_seconds integer, p_amount numeric, p_price_per_minute numeric, p_step integer, p_minimum integer
) RETURNS numeric
  LANGUAGE sql IMMUTABLE
  RETURN CASE
    WHEN p_price_per_minute = 0 THEN NULL
    WHEN floor(greatest(p_amount, 0) * 60 / p_price_per_minute) + p_settled_seconds < p_minimum THEN 0
    ELSE greatest(
      floor((floor(greatest(p_amount, 0) * 60 / p_price_per_minute) + p_settled_seconds) / p_step) * p_step
        - p_settled_seconds,
      0
    )
  END;

-- What of a session is not settled yet, if it ran for a number of seconds in all and is over; below zero if more is
-- settled than it cost.
CREATE FUNCTION unsettled_cost(p_record avatar_usage_records, p_total_seconds integer) RETURNS numeric
  LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_total_seconds >= p_record.settled_seconds
    THEN cost_by_prices(
      p_record.vendor, p_record.vendor_mode, p_record.currency, p_record.fallback_price, p_record.counted_from,
      billed - p_record.settled_seconds
    )
    ELSE cost_by_prices(
      p_record.vendor, p_record.vendor_mode, p_record.currency, p_record.fallback_price, p_record.session_started_at,
      billed
    ) - p_record.settled_cost
  END
  FROM billed_seconds(p_total_seconds, p_record.billing_step_seconds, p_record.minimum_seconds) AS billed
$$;

-- How a running session costs from now on: its price, since which of its seconds, what those before cost, and until when.
CREATE FUNCTION price_line(p_record avatar_usage_records, p_counted_from timestamptz, p_now timestamptz) RETURNS TABLE (
  per_minute numeric, billing_step_seconds integer, minimum_seconds integer, priced_seconds integer,
  priced_cost numeric, price_until timestamptz
)
  LANGUAGE sql STABLE AS $$
  SELECT
    price.per_minute, price.billing_step_seconds, price.minimum_seconds, line.begins::integer,
    cost_by_prices(
      p_record.vendor, p_record.vendor_mode, p_record.currency, p_record.fallback_price, p_counted_from,
      line.begins::integer
    ),
    CASE WHEN isfinite(price.ends_at)
      THEN p_counted_from + make_interval(secs => first_second(p_counted_from, price.ends_at)::float8)
    END
  FROM price_list(p_record.vendor, p_record.vendor_mode, p_record.currency, p_record.fallback_price) AS price
  -- more than an integer holds for a price of the far future
  CROSS JOIN LATERAL (SELECT greatest(first_second(p_counted_from, price.starts_at), 0) AS begins) AS line
  WHERE p_counted_from + make_interval(secs => line.begins::float8) <= greatest(p_now, p_counted_from)
  ORDER BY price.starts_at DESC
  LIMIT 1
$$;

-- List prices (docs.liveavatar.com/docs/faq/credits: $0.10 a credit; FULL two credits a minute, LITE one, sandbox none,
-- metered every minute. HeyGen's Interactive Avatar: 0.2 credits a minute, at least 30 seconds, at the dearest plan).
INSERT INTO prices
  (vendor, mode, currency, effective_from, per_minute, billing_step_seconds, minimum_seconds, is_list)
VALUES
  ('liveavatar', 'FULL', 'USD', '2000-01-01 00:00:00Z', 0.20, 60, 60, true),
  ('liveavatar', 'LITE', 'USD', '2000-01-01 00:00:00Z', 0.10, 60, 60, true),
  ('liveavatar', 'SANDBOX', 'USD', '2000-01-01 00:00:00Z', 0, 1, 0, true),
  ('heygen', 'INTERACTIVE', 'USD', '2000-01-01 00:00:00Z', 0.20, 1, 30, true);
