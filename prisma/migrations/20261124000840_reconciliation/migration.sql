-- The vendor's own word on sessions, beside ours.
--
-- Whatever a run learns is booked in batches, each one statement. Every decision is taken under the quota's lock from what
-- the record says then, so a run may be cut anywhere, be repeated, and meet another one: figures are booked once.

-- When each vendor was compared with last.
CREATE TABLE vendor_reconciliations (
  vendor       text PRIMARY KEY,
  -- when a run began last, on whichever node
  started_at   timestamptz(3) NOT NULL,
  -- when the last run that came to its end began
  completed_at timestamptz(3)
);

-- The month that a moment belongs to; where the billing time zone was changed there may be hours between two months, which
-- count to the later one.
CREATE FUNCTION period_of(p_at timestamptz) RETURNS text
  LANGUAGE sql STABLE AS $$
  SELECT month.period FROM billing_periods AS month WHERE month.ends_at > p_at ORDER BY month.ends_at LIMIT 1
$$;

-- Whether the vendor's figures for a session that is over are still to be booked: it was not compared yet, or taken for
-- one that never started, and the vendor has it after all.
CREATE FUNCTION awaits_figures(p_record avatar_usage_records, p_seconds integer, p_credits numeric) RETURNS boolean
  LANGUAGE sql IMMUTABLE
  RETURN p_record.reconciled_at IS NULL OR (
    p_record.vendor_end_reason IS NULL AND p_record.actual_seconds = 0 AND p_record.actual_cost = 0
    AND (p_seconds > 0 OR p_credits > 0)
  );

-- How many seconds a vendor bills for a session: those its credits pay for where it names them, else the rounded ones.
-- Credits are decimals, so that a third of a minute comes a little short of or over its seconds: the nearest one is meant.
CREATE FUNCTION vendor_billed_seconds(
  p_seconds integer, p_credits numeric, p_credits_per_minute numeric, p_step integer, p_minimum integer
) RETURNS integer
  LANGUAGE sql IMMUTABLE
  RETURN CASE
    WHEN p_credits = 0 THEN 0
    WHEN p_credits_per_minute > 0 AND p_credits IS NOT NULL THEN round(p_credits * 60 / p_credits_per_minute)::integer
    ELSE billed_seconds(p_seconds, p_step, p_minimum)
  END;

-- Locks every quota that booking the vendor's figures can touch: those of lock_records, and those of the months in which
-- the vendor's seconds fall. A token that has just been started by its user may have them up to now.
CREATE FUNCTION lock_figures(p_now timestamptz, p_ids uuid[], p_started_ats timestamptz[], p_seconds integer[])
  RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  v_user_ids text[];
  v_periods text[];
BEGIN
  SELECT array_agg(touched.user_id), array_agg(touched.period) INTO v_user_ids, v_periods
  FROM (
    SELECT record.user_id, record.period FROM quotas_of_records(p_now, p_ids) AS record
    UNION
    SELECT r.user_id, month.period
    FROM unnest(p_ids, p_started_ats, p_seconds) AS figure (id, started_at, seconds)
    JOIN avatar_usage_records AS r ON r.id = figure.id
    CROSS JOIN LATERAL (
      SELECT coalesce(r.session_started_at, greatest(figure.started_at, r.created_at)) AS at
    ) AS start
    JOIN billing_periods AS month
      ON month.ends_at > start.at AND month.starts_at <= greatest(
        start.at + make_interval(secs => figure.seconds), CASE WHEN r.status = 'reserved' THEN p_now END
      )
  ) AS touched;

  PERFORM ensure_quotas(p_now, v_user_ids, v_periods, NULL, NULL);

  PERFORM FROM usage_quotas AS q
  WHERE (q.user_id, q.current_month) IN (SELECT * FROM unnest(v_user_ids, v_periods))
  ORDER BY q.user_id, q.current_month
  FOR NO KEY UPDATE;

  PERFORM lock_account(array_agg(DISTINCT touched.period)) FROM unnest(v_periods) AS touched (period);
END
$$;

-- Books the vendor's figures of records that are over, each as its difference from what is booked. The caller holds the
-- locks of lock_figures. Returns the records that differed.
--
--   p_modes               what it was billed by, or null; one that has no price is priced as the one that was asked for
--   p_started_ats         when it started by the vendor's word; null for one that never did
--   p_ended_ats           when it ended by the vendor's word
--   p_credits             what it took, or null where the vendor does not say; p_credits_per_minute likewise
--
-- A record keeps its estimate. Its seconds count from our start; from the vendor's where we know of none: such a record
-- becomes the session that it was. Of a session over a month's end, the seconds before it are booked in the old month.
CREATE FUNCTION correct_records(
  p_now timestamptz, p_ids uuid[], p_modes text[], p_started_ats timestamptz[], p_ended_ats timestamptz[],
  p_seconds integer[], p_credits numeric[], p_credits_per_minute numeric[], p_end_reasons text[], p_thresholds integer[]
) RETURNS uuid[]
  LANGUAGE plpgsql AS $$
DECLARE
  v_changes quota_change[];
  v_corrected uuid[];
BEGIN
  WITH
  figure AS (
    SELECT
      r.id, r.user_id, r.billing_period AS old_first_period, r.quota_period AS old_last_period,
      r.settled_seconds AS old_first_seconds, r.settled_cost AS old_first_cost,
      booked.seconds - r.settled_seconds AS old_last_seconds, booked.cost - r.settled_cost AS old_last_cost,
      price.mode, call.seconds, bill.cost, call.ended_at, call.end_reason, start.at AS started_at,
      r.session_started_at IS NULL AND (call.seconds > 0 OR bill.cost > 0) AS unreported,
      first.period AS first_period, share.seconds AS first_seconds, share.cost AS first_cost,
      CASE
        WHEN call.seconds > share.seconds THEN next_period(first.period)
        WHEN r.session_started_at IS NULL AND (call.seconds > 0 OR bill.cost > 0) THEN first.period
        ELSE r.quota_period
      END AS last_period,
      CASE
        WHEN r.session_started_at IS NULL THEN 'unreported_use'
        WHEN call.started_at IS NULL THEN 'never_started'
        WHEN call.seconds - booked.seconds > 1 THEN 'ran_longer'
        WHEN call.seconds - booked.seconds < -1 THEN 'ended_sooner'
        ELSE 'vendor_figures'
      END AS reason
    FROM unnest(
      p_ids, p_modes, p_started_ats, p_ended_ats, p_seconds, p_credits, p_credits_per_minute, p_end_reasons
    ) AS call (id, mode, started_at, ended_at, seconds, credits, credits_per_minute, end_reason)
    JOIN avatar_usage_records AS r ON r.id = call.id
    CROSS JOIN LATERAL (
      SELECT coalesce(r.actual_seconds, r.duration_seconds) AS seconds, coalesce(r.actual_cost, r.estimated_cost) AS cost
    ) AS booked
    CROSS JOIN LATERAL (
      -- greatest ignores null; a vendor's clock may be behind
      SELECT coalesce(r.session_started_at, greatest(call.started_at, r.created_at)) AS at
    ) AS start
    CROSS JOIN LATERAL (
      SELECT asked.mode, price.billing_step_seconds, price.minimum_seconds
      FROM (VALUES (1, call.mode), (2, r.vendor_mode)) AS asked (choice, mode)
      CROSS JOIN LATERAL price_at(r.vendor, asked.mode, r.currency, r.fallback_price, start.at) AS price
      WHERE asked.mode IS NOT NULL
      ORDER BY asked.choice
      LIMIT 1
    ) AS price
    CROSS JOIN LATERAL vendor_billed_seconds(
      call.seconds, call.credits, call.credits_per_minute, price.billing_step_seconds, price.minimum_seconds
    ) AS billed
    CROSS JOIN LATERAL cost_by_prices(
      r.vendor, price.mode, r.currency, r.fallback_price, start.at, billed
    ) AS bill (cost)
    CROSS JOIN LATERAL (
      SELECT CASE WHEN r.session_started_at IS NULL AND (call.seconds > 0 OR bill.cost > 0)
        THEN period_of(start.at) ELSE r.billing_period
      END AS period
    ) AS first
    JOIN billing_periods AS month ON month.period = first.period
    -- a started second belongs to the month it started in
    CROSS JOIN LATERAL (
      SELECT ceil(greatest(extract(epoch FROM month.ends_at - start.at), 0)) AS seconds
    ) AS room
    CROSS JOIN LATERAL (
      SELECT
        least(call.seconds, room.seconds)::integer AS seconds,
        -- what is rounded up belongs to the month of the last second
        CASE WHEN call.seconds <= room.seconds THEN bill.cost
          ELSE cost_by_prices(
            r.vendor, price.mode, r.currency, r.fallback_price, start.at, least(billed, room.seconds)::integer
          )
        END AS cost
    ) AS share
    ORDER BY r.id
    FOR NO KEY UPDATE OF r
  ),
  reconciled AS (
    UPDATE avatar_usage_records AS r
    SET
      vendor_mode = figure.mode,
      status = CASE WHEN figure.unreported AND r.status = 'expired' THEN 'completed' ELSE r.status END,
      session_started_at = CASE WHEN figure.unreported THEN figure.started_at ELSE r.session_started_at END,
      session_ended_at = CASE WHEN figure.unreported
        THEN greatest(figure.ended_at, figure.started_at) ELSE r.session_ended_at
      END,
      billing_period = figure.first_period,
      quota_period = figure.last_period,
      settled_seconds = CASE WHEN figure.last_period <> figure.first_period THEN figure.first_seconds ELSE 0 END,
      settled_cost = CASE WHEN figure.last_period <> figure.first_period THEN figure.first_cost ELSE 0 END,
      actual_seconds = figure.seconds,
      actual_cost = figure.cost,
      vendor_end_reason = figure.end_reason,
      reconciled_at = p_now,
      updated_at = p_now
    FROM figure
    WHERE r.id = figure.id
  ),
  entry AS (
    SELECT
      figure.id, figure.user_id, share.period, figure.reason,
      (figure.unreported AND share.period = figure.first_period)::integer AS started,
      sum(share.seconds)::integer AS seconds, sum(share.cost) AS cost
    FROM figure
    CROSS JOIN LATERAL (VALUES
      (old_first_period, -old_first_seconds, -old_first_cost),
      (old_last_period, -old_last_seconds, -old_last_cost),
      (first_period, first_seconds, first_cost),
      (last_period, figure.seconds - first_seconds, figure.cost - first_cost)
    ) AS share (period, seconds, cost)
    GROUP BY figure.id, figure.user_id, share.period, figure.reason, figure.unreported, figure.first_period
    HAVING sum(share.seconds) <> 0 OR sum(share.cost) <> 0
  ),
  booked AS (
    INSERT INTO quota_ledger (user_id, period, record_id, entry, used_seconds, used_cost, reason, actor, created_at)
    SELECT user_id, period, id, 'correct', seconds, cost, reason, 'reconciler', p_now
    FROM entry
  ),
  change AS (
    SELECT user_id, period, count(*)::integer AS entries, sum(started) AS started, sum(seconds) AS seconds, sum(cost) AS cost
    FROM entry
    GROUP BY user_id, period
  ),
  updated AS (
    UPDATE usage_quotas AS q
    SET
      used_seconds = q.used_seconds + change.seconds,
      used_cost = q.used_cost + change.cost,
      session_count = q.session_count + change.started,
      version = q.version + change.entries,
      updated_at = p_now
    FROM change
    WHERE q.user_id = change.user_id AND q.current_month = change.period
  )
  SELECT array_agg(DISTINCT id), array_agg(ROW(user_id, period, 'corrected', id)::quota_change ORDER BY id)
  INTO v_corrected, v_changes
  FROM entry;

  PERFORM publish_changes(p_now, v_changes);
  PERFORM refresh_records(p_now, v_corrected, p_thresholds);
  RETURN coalesce(v_corrected, '{}');
END
$$;
