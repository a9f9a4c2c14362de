-- What a session costs.
--
-- Every second has the price in force at its start. Seconds are counted from the session's start, so a price that comes
-- into force in the middle of a second counts from the next one.

-- The cost of a number of seconds at one price, to the sixth decimal.
CREATE FUNCTION session_cost(p_seconds numeric, p_price_per_minute numeric) RETURNS numeric
  LANGUAGE sql IMMUTABLE
  RETURN round(p_seconds * p_price_per_minute / 60, 6);

-- The prices of a vendor's mode one after the other, without a gap: before the first dated one there is the fallback.
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
    UNION ALL
    SELECT dated.effective_from, dated.per_minute, dated.billing_step_seconds, dated.minimum_seconds
    FROM prices AS dated
    WHERE dated.vendor = p_vendor AND dated.mode = p_mode AND dated.currency = p_currency
  ) AS p
$$;

-- The cost of whole seconds from a moment on, second by second.
CREATE FUNCTION cost_by_prices(
  p_vendor text, p_mode text, p_currency text, p_fallback numeric, p_from timestamptz, p_seconds integer
) RETURNS numeric
  LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(session_cost(
    least(ceil(extract(epoch FROM price.ends_at - p_from)), p_seconds)
      - greatest(ceil(extract(epoch FROM price.starts_at - p_from)), 0),
    price.per_minute
  )), 0)
  FROM price_list(p_vendor, p_mode, p_currency, p_fallback) AS price
  WHERE ceil(extract(epoch FROM price.ends_at - p_from)) > 0
    AND ceil(extract(epoch FROM price.starts_at - p_from)) < p_seconds
$$;

-- How many seconds the vendor bills for a session: rounded up to the step and the minimum of the price that was in force
-- at its start. None for a session of no length.
CREATE FUNCTION billed_seconds(
  p_vendor text, p_mode text, p_currency text, p_fallback numeric, p_started_at timestamptz, p_seconds integer
) RETURNS integer
  LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_seconds > 0
    THEN greatest(
      ceil(p_seconds::numeric / price.billing_step_seconds)::integer * price.billing_step_seconds, price.minimum_seconds
    )
    ELSE 0
  END
  FROM price_list(p_vendor, p_mode, p_currency, p_fallback) AS price
  WHERE p_started_at >= price.starts_at AND p_started_at < price.ends_at
$$;

-- List prices (docs.liveavatar.com/docs/faq/credits: $0.10 a credit; FULL two credits a minute, LITE one, sandbox none,
-- metered every minute. HeyGen's Interactive Avatar: 0.2 credits a minute, at least 30 seconds, at the dearest plan).
INSERT INTO prices (vendor, mode, currency, effective_from, per_minute, billing_step_seconds, minimum_seconds) VALUES
  ('liveavatar', 'FULL', 'USD', '2026-01-01 00:00:00Z', 0.20, 60, 60),
  ('liveavatar', 'LITE', 'USD', '2026-01-01 00:00:00Z', 0.10, 60, 60),
  ('liveavatar', 'SANDBOX', 'USD', '2026-01-01 00:00:00Z', 0, 1, 0),
  ('heygen', 'INTERACTIVE', 'USD', '2025-01-01 00:00:00Z', 0.20, 1, 30);
