-- How a change is told, and when a threshold is crossed.
--
-- Every statement of the hot path is a function over arrays. A function is one statement for its caller, so all calls
-- waiting at one moment travel in one commit; inside, each query takes a fresh snapshot, so what is read after the
-- locks are held is what the previous holder of the lock has committed.

-- The first millisecond, the resolution in which the service reads the clock, that is not before a number of seconds
-- since 1970. Null for a moment before that year or past the year 9999, which an extreme limit may lead to.
CREATE FUNCTION next_millisecond(p_epoch numeric) RETURNS timestamptz
  LANGUAGE sql IMMUTABLE
  RETURN CASE WHEN p_epoch >= 0 AND p_epoch < 253402300800 THEN to_timestamp(ceil(p_epoch * 1000) / 1000) END;

-- Tells every node of one change of a quota, when and only when this transaction commits, in the order of commits.
CREATE FUNCTION publish_quota_event(
  p_user_id text, p_period text, p_version integer, p_reason text, p_at timestamptz, p_record_id uuid
) RETURNS integer
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('quota_events', json_build_object(
    'userId', p_user_id,
    'period', p_period,
    'version', p_version,
    'reason', p_reason,
    'at', (extract(epoch FROM p_at) * 1000)::bigint,
    'recordId', p_record_id
  )::text);
  RETURN p_version;
END
$$;

CREATE TYPE quota_change AS (user_id text, period text, reason text, record_id uuid);

-- Tells the changes of quotas, each with a version of its own. The caller has raised each quota's version by their number.
CREATE FUNCTION publish_changes(p_now timestamptz, p_changes quota_change[]) RETURNS void
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM publish_quota_event(news.user_id, news.period, news.version, news.reason, p_now, news.record_id)
  FROM (
    SELECT
      change.*,
      (q.version - count(*) OVER (PARTITION BY q.id) + row_number() OVER (
        PARTITION BY q.id ORDER BY change.position
      ))::integer AS version
    FROM unnest(p_changes) WITH ORDINALITY AS change (user_id, period, reason, record_id, position)
    JOIN usage_quotas AS q ON q.user_id = change.user_id AND q.current_month = change.period
    ORDER BY change.user_id, change.period, change.position
  ) AS news;
END
$$;

-- Tells the sweepers of every node that something falls due at this moment.
CREATE FUNCTION announce_due(p_at timestamptz) RETURNS void
  LANGUAGE plpgsql AS $$
BEGIN
  IF p_at IS NOT NULL THEN
    PERFORM pg_notify('quota_due', (extract(epoch FROM p_at) * 1000)::bigint::text);
  END IF;
END
$$;

-- What the running sessions of a quota have consumed up to a moment, and the line on which they go on: each second of
-- `sessions` sessions costs `price` ÷ 60, counted from the sum of their starts; where the price has changed since, as if
-- it had started later. Costs are taken times sixty, since a price per second would be rounded, and a sum then fall short
-- of a threshold at the very moment of its crossing.
CREATE FUNCTION running_use(p_user_id text, p_period text, p_now timestamptz) RETURNS TABLE (
  sessions bigint, started_sum numeric, price numeric, priced_started_sum numeric, consumed_seconds numeric,
  priced_consumed numeric
)
  LANGUAGE sql STABLE AS $$
  SELECT
    count(*),
    coalesce(sum(line.started), 0),
    coalesce(sum(line.price), 0),
    coalesce(sum(line.price * (line.started + r.priced_seconds) - r.priced_cost * 60), 0),
    coalesce(sum(line.consumed), 0),
    coalesce(sum(line.price * greatest(line.consumed - r.priced_seconds, 0) + r.priced_cost * 60), 0)
  FROM avatar_usage_records AS r
  JOIN billing_periods AS month ON month.period = r.quota_period
  CROSS JOIN LATERAL (
    SELECT
      extract(epoch FROM r.counted_from) AS started,
      r.price_per_minute AS price,
      -- what runs on when the month is over belongs to the next
      least(
        greatest(extract(epoch FROM least(p_now, month.ends_at) - r.counted_from), 0), r.held_seconds
      ) AS consumed
  ) AS line
  WHERE r.user_id = p_user_id AND r.quota_period = p_period AND r.status = 'active'
$$;

-- Fires the thresholds that have been crossed and notes when the next one will be. The caller holds the locks on the
-- named quotas. p_thresholds are percentages; 100 is told as limit_reached, the others as warnings.
CREATE FUNCTION refresh_thresholds(
  p_now timestamptz, p_user_ids text[], p_periods text[], p_thresholds integer[]
) RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  v_changes quota_change[];
  v_next_due timestamptz;
BEGIN
  WITH
  -- each quota with the sum over its running sessions: consumption is a straight line in time
  quota AS (
    SELECT
      q.user_id, q.current_month AS period, q.next_threshold_at,
      q.used_seconds, q.monthly_limit_minutes * 60::bigint AS limit_seconds,
      q.used_cost, q.monthly_limit_cost AS limit_cost,
      running.*
    FROM (SELECT DISTINCT u.user_id, u.period FROM unnest(p_user_ids, p_periods) AS u (user_id, period)) AS asked
    JOIN usage_quotas AS q ON q.user_id = asked.user_id AND q.current_month = asked.period
    CROSS JOIN LATERAL running_use(q.user_id, q.current_month, p_now) AS running
  ),
  -- the moment at which each threshold of each limit is or will be crossed
  crossing AS (
    SELECT
      quota.user_id, quota.period, quota.next_threshold_at, 'minutes'::quota_limit AS quota_limit, percent,
      used_seconds + consumed_seconds >= 0.01 * percent * limit_seconds AS crossed,
      next_millisecond((0.01 * percent * limit_seconds - used_seconds + started_sum) / nullif(sessions, 0)) AS at
    FROM quota CROSS JOIN unnest(p_thresholds) AS percent
    UNION ALL
    SELECT
      quota.user_id, quota.period, quota.next_threshold_at, 'cost', percent,
      used_cost * 60 + priced_consumed >= 0.6 * percent * limit_cost,
      next_millisecond((0.6 * percent * limit_cost - used_cost * 60 + priced_started_sum) / nullif(price, 0))
    FROM quota CROSS JOIN unnest(p_thresholds) AS percent
  ),
  -- once per user, month, limit and threshold
  pending AS (
    SELECT crossing.*
    FROM crossing
    LEFT JOIN quota_alerts AS a
      ON a.user_id = crossing.user_id AND a.period = crossing.period
      AND a.quota_limit = crossing.quota_limit AND a.threshold_percent = crossing.percent
    WHERE a.user_id IS NULL
  ),
  fired AS (
    INSERT INTO quota_alerts (user_id, period, quota_limit, threshold_percent, crossed_at)
    -- foreseen, it was crossed on its line; by an end or a lower limit, it is crossed now
    SELECT user_id, period, quota_limit, percent, CASE WHEN at BETWEEN next_threshold_at AND p_now THEN at ELSE p_now END
    FROM pending
    WHERE crossed
    RETURNING user_id, period, quota_limit, threshold_percent
  ),
  next AS (
    SELECT user_id, period, min(at) AS at
    FROM pending
    WHERE NOT crossed AND at > p_now
    GROUP BY user_id, period
  ),
  updated AS (
    UPDATE usage_quotas AS q
    SET
      next_threshold_at = next.at,
      version = q.version + news.fired,
      updated_at = CASE WHEN news.fired > 0 THEN p_now ELSE q.updated_at END
    FROM quota
    LEFT JOIN next ON next.user_id = quota.user_id AND next.period = quota.period
    CROSS JOIN LATERAL (
      SELECT count(*)::integer AS fired
      FROM fired WHERE fired.user_id = quota.user_id AND fired.period = quota.period
    ) AS news
    WHERE q.user_id = quota.user_id AND q.current_month = quota.period
      AND (news.fired > 0 OR quota.next_threshold_at IS DISTINCT FROM next.at)
    RETURNING q.next_threshold_at
  )
  SELECT
    (
      -- lower thresholds first
      SELECT array_agg(
        ROW(
          user_id, period, CASE WHEN threshold_percent >= 100 THEN 'limit_reached' ELSE 'warning' END, NULL
        )::quota_change
        ORDER BY threshold_percent, quota_limit
      )
      FROM fired
    ),
    (SELECT min(next_threshold_at) FROM updated)
  INTO v_changes, v_next_due;

  PERFORM publish_changes(p_now, v_changes);
  PERFORM announce_due(v_next_due);
END
$$;
