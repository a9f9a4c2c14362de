-- A session belongs to the month in which its seconds fall: where a month ends, its use is settled and what is left of
-- its hold moves on.

-- The version that a month's quota begins with: above all versions of the months before. From 2178-11 on, more than an
-- integer holds, it grows no further.
CREATE FUNCTION first_version(p_period text) RETURNS integer
  LANGUAGE sql IMMUTABLE
  RETURN least((left(p_period, 4)::integer - 2000) * 12 + right(p_period, 2)::integer, 2146) * 1000000;

CREATE FUNCTION next_period(p_period text) RETURNS text
  LANGUAGE sql STABLE
  RETURN to_char((p_period || '-01')::date + interval '1 month', 'YYYY-MM');

CREATE FUNCTION previous_period(p_period text) RETURNS text
  LANGUAGE sql STABLE
  RETURN to_char((p_period || '-01')::date - interval '1 month', 'YYYY-MM');

-- Of the notices before a session's end, those that lie behind when so many seconds are left: 15, 60 or none.
CREATE FUNCTION ending_notice(p_seconds_left numeric) RETURNS integer
  LANGUAGE sql IMMUTABLE
  RETURN CASE WHEN p_seconds_left <= 15 THEN 15 WHEN p_seconds_left <= 60 THEN 60 END;

-- When a record must be looked at next: at its end, its lapse, its next notice, the end of its month or of its price.
CREATE FUNCTION record_due(
  p_expires_at timestamptz, p_month_ends_at timestamptz, p_price_until timestamptz, p_counted_from timestamptz,
  p_ending_notice integer, p_last_heartbeat_at timestamptz, p_lapse_seconds integer
) RETURNS timestamptz
  LANGUAGE sql IMMUTABLE
  -- least ignores null: no heartbeat, no lapse; not started or all notices told, no notice; no other price in sight
  RETURN least(
    p_expires_at,
    p_month_ends_at,
    p_price_until,
    p_last_heartbeat_at + make_interval(secs => p_lapse_seconds),
    CASE
      WHEN p_counted_from IS NULL OR p_ending_notice = 15 THEN NULL
      WHEN p_ending_notice = 60 THEN p_expires_at - interval '15 seconds'
      ELSE p_expires_at - interval '60 seconds'
    END
  );

-- A quota begins with its month's first version, also one that an operator enters ahead of the user's first call.
CREATE FUNCTION start_version() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  NEW.version := greatest(NEW.version, first_version(NEW.current_month));
  RETURN NEW;
END
$$;

CREATE TRIGGER usage_quotas_start_version
  BEFORE INSERT ON usage_quotas FOR EACH ROW EXECUTE FUNCTION start_version();

-- Creates the quotas that are missing, with the limits of the user's last month before or else the given ones.
CREATE FUNCTION ensure_quotas(
  p_now timestamptz, p_user_ids text[], p_periods text[], p_default_limit_minutes integer,
  p_default_limit_cost numeric
) RETURNS void
  LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO usage_quotas
    (user_id, current_month, monthly_limit_minutes, monthly_limit_cost, is_active, last_reset_at, created_at, updated_at)
  SELECT
    call.user_id, call.period,
    coalesce(last.monthly_limit_minutes, p_default_limit_minutes),
    coalesce(last.monthly_limit_cost, p_default_limit_cost),
    coalesce(last.is_active, true),
    p_now, p_now, p_now
  FROM (SELECT DISTINCT c.user_id, c.period FROM unnest(p_user_ids, p_periods) AS c (user_id, period)) AS call
  LEFT JOIN LATERAL (
    SELECT q.monthly_limit_minutes, q.monthly_limit_cost, q.is_active
    FROM usage_quotas AS q
    WHERE q.user_id = call.user_id AND q.current_month < call.period
    ORDER BY q.current_month DESC
    LIMIT 1
  ) AS last ON true
  WHERE NOT EXISTS (
    SELECT FROM usage_quotas AS q WHERE q.user_id = call.user_id AND q.current_month = call.period
  )
  ORDER BY call.user_id, call.period
  ON CONFLICT ON CONSTRAINT usage_quotas_user_month_key DO NOTHING;
END
$$;

-- The quotas that ending or moving the named records can touch: that of the month the session started in, the one that
-- holds for it now and, once its month is over, the next. A minute's difference between the nodes' clocks is allowed
-- for.
CREATE FUNCTION quotas_of_records(p_now timestamptz, p_ids uuid[])
  RETURNS TABLE (record_id uuid, user_id text, period text)
  LANGUAGE sql STABLE AS $$
  SELECT r.id, r.user_id, touched.period
  FROM avatar_usage_records AS r
  JOIN billing_periods AS month ON month.period = r.quota_period
  LEFT JOIN billing_periods AS next
    ON next.period = next_period(month.period) AND month.ends_at <= p_now + interval '1 minute'
    AND r.status IN ('reserved', 'active')
  CROSS JOIN LATERAL (VALUES (r.billing_period), (r.quota_period), (next.period)) AS touched (period)
  WHERE r.id = ANY (p_ids) AND touched.period IS NOT NULL
$$;

-- Locks the quotas that the named records touch, in the one order in which every statement locks them.
CREATE FUNCTION lock_records(p_now timestamptz, p_ids uuid[]) RETURNS void
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ensure_quotas(p_now, array_agg(touched.user_id), array_agg(touched.period), NULL, NULL)
  FROM quotas_of_records(p_now, p_ids) AS touched;

  PERFORM FROM usage_quotas AS q
  WHERE (q.user_id, q.current_month) IN (SELECT t.user_id, t.period FROM quotas_of_records(p_now, p_ids) AS t)
  ORDER BY q.user_id, q.current_month
  FOR NO KEY UPDATE;

  PERFORM lock_account(array_agg(DISTINCT t.period)) FROM quotas_of_records(p_now, p_ids) AS t;
END
$$;

-- Takes the named open records over the end of their month, each once. The caller holds the locks of lock_records.
--
-- The use up to there is settled in the old month: a started second belongs to the month it started in. The rest of the
-- hold moves to the new month; where that has less room, the hold and with it the deadline shrink.
CREATE FUNCTION move_records(p_now timestamptz, p_ids uuid[], p_lapse_seconds integer) RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  v_changes quota_change[];
  v_due timestamptz;
BEGIN
  WITH
  moving AS (
    SELECT
      r.id, r.user_id, r.quota_period AS old_period, next.period AS new_period, next.ends_at AS month_ends_at,
      r.status, r.created_at, r.counted_from, r.expires_at, r.ending_notice, r.held_seconds, r.held_cost, used.seconds,
      r.settled_seconds + used.seconds AS settled_seconds,
      cost_by_prices(r.vendor, r.vendor_mode, r.currency, r.fallback_price, r.counted_from, used.seconds) AS cost,
      greatest(r.held_seconds - used.seconds, 0) AS wanted_seconds,
      dearest.per_minute AS price, dearest.billing_step_seconds AS step, dearest.minimum_seconds AS minimum,
      line.per_minute, line.priced_seconds, line.priced_cost, line.price_until
    FROM avatar_usage_records AS r
    JOIN billing_periods AS month ON month.period = r.quota_period
    JOIN billing_periods AS next ON next.period = next_period(month.period)
    CROSS JOIN LATERAL (
      SELECT CASE WHEN r.status = 'active'
        THEN ceil(greatest(extract(epoch FROM month.ends_at - r.counted_from), 0))::integer
        ELSE 0
      END AS seconds
    ) AS used
    CROSS JOIN LATERAL dearest_of_record(
      r, month.ends_at, greatest(r.expires_at, p_now) + make_interval(secs => r.held_seconds)
    ) AS dearest
    -- none for a token, which has no seconds yet
    LEFT JOIN LATERAL price_line(r, r.counted_from + make_interval(secs => used.seconds), p_now) AS line ON true
    WHERE r.id = ANY (p_ids) AND r.status IN ('reserved', 'active')
    ORDER BY r.id
    FOR NO KEY UPDATE OF r
  ),
  -- the new month's room goes to the oldest record first
  queue AS (
    SELECT
      moving.*,
      q.monthly_limit_minutes * 60::bigint - q.used_seconds - q.held_seconds
        - coalesce(sum(wanted_seconds) OVER earlier, 0) AS room_seconds,
      q.monthly_limit_cost - q.used_cost - q.held_cost
        - coalesce(sum(hold_cost(settled_seconds, wanted_seconds, price, step, minimum)) OVER earlier, 0) AS room_cost
    FROM moving
    JOIN usage_quotas AS q ON q.user_id = moving.user_id AND q.current_month = moving.new_period
    WINDOW earlier AS (
      PARTITION BY moving.user_id, moving.new_period ORDER BY moving.created_at, moving.id
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
  ),
  held AS (
    SELECT
      queue.*, room.seconds AS new_seconds, hold_cost(settled_seconds, room.seconds, price, step, minimum) AS new_cost
    FROM queue
    CROSS JOIN LATERAL (
      SELECT greatest(
        least(wanted_seconds, room_seconds, affordable_seconds(settled_seconds, room_cost, price, step, minimum)), 0
      )::integer AS seconds
    ) AS room
  ),
  moved AS (
    UPDATE avatar_usage_records AS r
    SET
      quota_period = held.new_period,
      held_seconds = held.new_seconds,
      held_cost = held.new_cost,
      settled_seconds = held.settled_seconds,
      settled_cost = r.settled_cost + held.cost,
      counted_from = r.counted_from + make_interval(secs => held.seconds),
      grant_seconds = held.settled_seconds + held.new_seconds,
      expires_at = line.expires_at,
      ending_notice = line.ending_notice,
      price_per_minute = coalesce(held.per_minute, r.price_per_minute),
      priced_seconds = coalesce(held.priced_seconds, 0),
      priced_cost = coalesce(held.priced_cost, 0),
      price_until = held.price_until,
      due_at = record_due(
        line.expires_at, held.month_ends_at, held.price_until, r.counted_from, line.ending_notice, r.last_heartbeat_at,
        p_lapse_seconds
      ),
      updated_at = p_now
    FROM held
    CROSS JOIN LATERAL (
      SELECT CASE
        WHEN held.status = 'active' THEN held.counted_from + make_interval(secs => held.seconds + held.new_seconds)
        WHEN held.new_seconds = 0 THEN least(held.expires_at, p_now)
        ELSE held.expires_at
      END AS expires_at
    ) AS deadline
    CROSS JOIN LATERAL (
      SELECT
        deadline.expires_at,
        CASE WHEN deadline.expires_at = held.expires_at THEN held.ending_notice
          ELSE ending_notice(extract(epoch FROM deadline.expires_at - p_now))
        END AS ending_notice
    ) AS line
    WHERE r.id = held.id
    RETURNING r.due_at
  ),
  booked AS (
    INSERT INTO quota_ledger
      (user_id, period, record_id, entry, used_seconds, used_cost, held_seconds, held_cost, reason, actor, created_at)
    SELECT
      user_id, old_period, id, CASE WHEN status = 'active' THEN 'settle' ELSE 'release' END::ledger_entry,
      seconds, cost, -held_seconds, -held_cost, 'period_ended', 'sweeper', p_now
    FROM held
    UNION ALL
    SELECT
      user_id, new_period, id, 'move', 0, 0, new_seconds, new_cost, 'period_started',
      'sweeper', p_now
    FROM held
  ),
  change AS (
    SELECT user_id, period, sum(seconds) AS seconds, sum(cost) AS cost, sum(held_seconds) AS held_seconds,
      sum(held_cost) AS held_cost, count(*)::integer AS records
    FROM (
      SELECT user_id, old_period AS period, seconds, cost, -held_seconds AS held_seconds, -held_cost AS held_cost
      FROM held
      UNION ALL
      SELECT user_id, new_period, 0, 0, new_seconds, new_cost FROM held
    ) AS entries
    GROUP BY user_id, period
  ),
  updated AS (
    UPDATE usage_quotas AS q
    SET
      used_seconds = q.used_seconds + change.seconds,
      used_cost = q.used_cost + change.cost,
      held_seconds = q.held_seconds + change.held_seconds,
      held_cost = q.held_cost + change.held_cost,
      version = q.version + change.records,
      updated_at = p_now
    FROM change
    WHERE q.user_id = change.user_id AND q.current_month = change.period
  )
  SELECT
    (SELECT array_agg(ROW(user_id, new_period, 'period_started', id)::quota_change ORDER BY id) FROM held),
    (SELECT min(due_at) FROM moved)
  INTO v_changes, v_due;

  PERFORM publish_changes(p_now, v_changes);
  PERFORM announce_due(v_due);
END
$$;

-- Fires and plans the thresholds of the quotas that the named records touch.
CREATE FUNCTION refresh_records(p_now timestamptz, p_ids uuid[], p_thresholds integer[]) RETURNS void
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM refresh_thresholds(p_now, array_agg(touched.user_id), array_agg(touched.period), p_thresholds)
  FROM quotas_of_records(p_now, p_ids) AS touched;
END
$$;
