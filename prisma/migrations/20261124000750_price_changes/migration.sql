-- Prices that change while sessions run.

-- Lets the named running sessions go on at the price that is in force. The caller holds the locks of their quotas.
CREATE FUNCTION reprice_records(p_now timestamptz, p_ids uuid[]) RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  v_due timestamptz;
BEGIN
  WITH
  repriced AS (
    UPDATE avatar_usage_records AS r
    SET
      price_per_minute = price.per_minute,
      priced_seconds = price.priced_seconds,
      priced_cost = price.priced_cost,
      price_until = price.price_until,
      due_at = least(r.due_at, price.price_until),
      updated_at = p_now
    FROM avatar_usage_records AS running
    CROSS JOIN LATERAL price_line(running, running.counted_from, p_now) AS price
    WHERE running.id = ANY (p_ids) AND r.id = running.id AND r.status = 'active'
    RETURNING price.price_until
  )
  SELECT min(price_until) INTO v_due FROM repriced;

  PERFORM announce_due(v_due);
END
$$;

-- Enters a price, or another one for the same moment. Open tokens and sessions follow: what they cost from then on at
-- once, what is held for them in the sweeper's next turn. What is settled already stays as it is.
--
-- Returns how many tokens and sessions were open at that price.
CREATE FUNCTION enter_price(
  p_now timestamptz, p_vendor text, p_mode text, p_currency text, p_effective_from timestamptz, p_per_minute numeric,
  p_step integer, p_minimum integer, p_thresholds integer[]
) RETURNS integer
  LANGUAGE plpgsql AS $$
DECLARE
  v_ids uuid[];
BEGIN
  -- whoever opens a record holds this lock, shared, from before it reads the prices
  PERFORM pg_advisory_xact_lock(hashtext('prices'));

  INSERT INTO prices (vendor, mode, currency, effective_from, per_minute, billing_step_seconds, minimum_seconds)
  VALUES (p_vendor, p_mode, p_currency, p_effective_from, p_per_minute, p_step, p_minimum)
  ON CONFLICT (vendor, mode, currency, effective_from) DO UPDATE SET
    per_minute = excluded.per_minute,
    billing_step_seconds = excluded.billing_step_seconds,
    minimum_seconds = excluded.minimum_seconds,
    is_list = false;

  SELECT array_agg(r.id) INTO v_ids
  FROM avatar_usage_records AS r
  WHERE r.status IN ('reserved', 'active')
    AND r.vendor = p_vendor AND r.vendor_mode = p_mode AND r.currency = p_currency;

  IF v_ids IS NULL THEN
    RETURN 0;
  END IF;

  PERFORM lock_records(p_now, v_ids);

  -- in the order in which heartbeats take them
  PERFORM FROM avatar_usage_records AS r
  WHERE r.id = ANY (v_ids)
  ORDER BY r.id
  FOR NO KEY UPDATE;

  PERFORM reprice_records(p_now, v_ids);
  PERFORM refresh_records(p_now, v_ids, p_thresholds);

  UPDATE usage_quotas AS q
  SET limits_changed_at = p_now
  FROM avatar_usage_records AS r
  WHERE r.id = ANY (v_ids) AND r.status IN ('reserved', 'active')
    AND q.user_id = r.user_id AND q.current_month = r.quota_period;

  PERFORM announce_due('epoch');
  RETURN cardinality(v_ids);
END
$$;
