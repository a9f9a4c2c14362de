-- Limits that change while sessions run.

-- Whoever changes a limit, this service or an operator by hand: open sessions follow, and the sweepers hear of it.
CREATE FUNCTION note_limit_change() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  NEW.limits_changed_at := now();
  -- due at once, whatever the nodes' clocks say
  PERFORM announce_due('epoch');
  RETURN NEW;
END
$$;

CREATE TRIGGER usage_quotas_limit_change
  BEFORE UPDATE OF monthly_limit_minutes, monthly_limit_cost, is_active ON usage_quotas
  FOR EACH ROW
  WHEN ((OLD.monthly_limit_minutes, OLD.monthly_limit_cost, OLD.is_active)
    IS DISTINCT FROM (NEW.monthly_limit_minutes, NEW.monthly_limit_cost, NEW.is_active))
  EXECUTE FUNCTION note_limit_change();

-- Fits the open records of the named quotas to their limits. The caller holds the locks of these quotas.
--
-- A record keeps what it has consumed. What room there is beyond that goes to the oldest first, up to what it could run
-- at most: the vendor's cap or, without one, the largest grant. Deadlines follow the holds. Thresholds that are no longer
-- crossed can fire anew.
--
-- With a ceiling, a record gets no more time than it has where the account has no room for it; none has to give any back.
--
--   p_account_cost_limit   for all users together in a month; null for none
CREATE FUNCTION refit_holds(
  p_now timestamptz, p_user_ids text[], p_periods text[], p_max_session_seconds integer, p_lapse_seconds integer,
  p_account_cost_limit numeric
) RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  v_due timestamptz;
BEGIN
  IF p_account_cost_limit IS NOT NULL THEN
    PERFORM FROM account_budgets AS a
    WHERE a.period IN (
      SELECT touched.period FROM unnest(p_periods) AS period
      CROSS JOIN LATERAL (VALUES (previous_period(period)), (period)) AS touched (period)
    )
    ORDER BY a.period
    FOR NO KEY UPDATE;
  END IF;

  WITH
  quota AS (
    SELECT q.*
    FROM usage_quotas AS q
    WHERE (q.user_id, q.current_month) IN (SELECT * FROM unnest(p_user_ids, p_periods))
  ),
  open_record AS (
    SELECT
      r.id, r.user_id, r.quota_period AS period, r.created_at, r.status, r.held_seconds, r.held_cost, r.settled_seconds,
      r.counted_from, r.expires_at, r.ending_notice, consumed.seconds AS consumed_seconds,
      price.per_minute AS price, price.billing_step_seconds AS step, price.minimum_seconds AS minimum,
      greatest(
        coalesce(least(r.vendor_cap_seconds, r.effective_cap_seconds), p_max_session_seconds) - r.settled_seconds
          - consumed.seconds,
        0
      ) AS wanted_seconds
    FROM quota
    JOIN avatar_usage_records AS r
      ON r.user_id = quota.user_id AND r.quota_period = quota.current_month AND r.status IN ('reserved', 'active')
    CROSS JOIN LATERAL (
      SELECT CASE WHEN r.status = 'active'
        THEN least(ceil(greatest(extract(epoch FROM p_now - r.counted_from), 0))::integer, r.held_seconds)
        ELSE 0
      END AS seconds
    ) AS consumed
    CROSS JOIN LATERAL dearest_of_record(
      r, coalesce(r.counted_from, p_now),
      greatest(r.expires_at, p_now) + make_interval(secs => p_max_session_seconds)
    ) AS price
    ORDER BY r.id
    FOR NO KEY UPDATE OF r
  ),
  queue AS (
    SELECT
      o.*,
      quota.monthly_limit_minutes * 60::bigint - quota.used_seconds
        - sum(o.consumed_seconds) OVER everyone - coalesce(sum(o.wanted_seconds) OVER earlier, 0) AS room_seconds,
      quota.monthly_limit_cost - quota.used_cost
        - sum(consumed.cost) OVER everyone
        - coalesce(sum(
          hold_cost(o.settled_seconds, o.consumed_seconds + o.wanted_seconds, o.price, o.step, o.minimum) - consumed.cost
        ) OVER earlier, 0)
        -- its own consumption in it, so that nothing is rounded away where the two meet
        + consumed.cost AS room_cost
    FROM open_record AS o
    CROSS JOIN LATERAL (
      SELECT hold_cost(o.settled_seconds, o.consumed_seconds, o.price, o.step, o.minimum) AS cost
    ) AS consumed
    JOIN quota ON quota.user_id = o.user_id AND quota.current_month = o.period
    WINDOW
      everyone AS (PARTITION BY o.user_id, o.period),
      earlier AS (
        PARTITION BY o.user_id, o.period ORDER BY o.created_at, o.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      )
  ),
  -- what the user's own limits leave it
  fitting AS (
    SELECT
      queue.*, consumed_seconds + room.seconds AS fitting_seconds,
      greatest(
        hold_cost(settled_seconds, consumed_seconds + room.seconds, price, step, minimum) - held_cost, 0
      ) AS growth
    FROM queue
    CROSS JOIN LATERAL (
      SELECT greatest(
        least(
          wanted_seconds, room_seconds,
          affordable_seconds(settled_seconds, room_cost, price, step, minimum) - consumed_seconds
        ),
        0
      )::integer AS seconds
    ) AS room
  ),
  fitted AS (
    SELECT
      fitting.*, hold.seconds AS new_seconds, cost.new_cost,
      -- by its seconds or, after a change of price, by its cost alone
      (hold.seconds, cost.new_cost) <> (held_seconds, held_cost) AS differs
    FROM (
      SELECT
        fitting.*,
        p_account_cost_limit - a.used_cost - a.held_cost - coalesce(before.held_cost, 0)
          - coalesce(sum(fitting.growth) OVER (
            PARTITION BY fitting.period ORDER BY fitting.created_at, fitting.id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
          ), 0) AS account_room
      FROM fitting
      LEFT JOIN account_budgets AS a ON a.period = fitting.period
      LEFT JOIN account_budgets AS before ON before.period = previous_period(fitting.period)
    ) AS fitting
    CROSS JOIN LATERAL (
      SELECT CASE WHEN p_account_cost_limit IS NULL OR fitting_seconds <= held_seconds THEN fitting_seconds
        ELSE greatest(
          held_seconds,
          least(
            fitting_seconds,
            affordable_seconds(settled_seconds, held_cost + greatest(account_room, 0), price, step, minimum)
          )
        )::integer
      END AS seconds
    ) AS hold
    CROSS JOIN LATERAL (
      SELECT hold_cost(settled_seconds, hold.seconds, price, step, minimum) AS new_cost
    ) AS cost
  ),
  refitted AS (
    UPDATE avatar_usage_records AS r
    SET
      held_seconds = fitted.new_seconds,
      held_cost = fitted.new_cost,
      grant_seconds = r.settled_seconds + fitted.new_seconds,
      expires_at = deadline.at,
      ending_notice = deadline.notice,
      due_at = record_due(
        deadline.at, month.ends_at, r.price_until, r.counted_from, deadline.notice, r.last_heartbeat_at, p_lapse_seconds
      ),
      updated_at = p_now
    FROM fitted
    JOIN billing_periods AS month ON month.period = fitted.period
    CROSS JOIN LATERAL (
      SELECT CASE
        WHEN fitted.status = 'active' THEN fitted.counted_from + make_interval(secs => fitted.new_seconds)
        WHEN fitted.new_seconds = 0 THEN least(fitted.expires_at, p_now)
        ELSE fitted.expires_at
      END AS at
    ) AS line
    CROSS JOIN LATERAL (
      SELECT line.at, CASE
        -- only its cost changes: a notice that is due is still to be told
        WHEN line.at = fitted.expires_at THEN fitted.ending_notice
        WHEN fitted.status = 'active' THEN ending_notice(extract(epoch FROM line.at - p_now))
      END AS notice
    ) AS deadline
    WHERE r.id = fitted.id AND fitted.differs
    RETURNING r.due_at
  ),
  booked AS (
    INSERT INTO quota_ledger (user_id, period, record_id, entry, held_seconds, held_cost, reason, actor, created_at)
    SELECT
      user_id, period, id,
      CASE WHEN (new_seconds, new_cost) > (held_seconds, held_cost) THEN 'hold' ELSE 'release' END::ledger_entry,
      new_seconds - held_seconds, new_cost - held_cost, 'limit_changed', 'sweeper', p_now
    FROM fitted
    WHERE differs
  ),
  updated AS (
    UPDATE usage_quotas AS q
    SET
      held_seconds = q.held_seconds + change.seconds,
      held_cost = q.held_cost + change.cost,
      limits_changed_at = NULL,
      version = q.version + 1,
      updated_at = p_now
    FROM quota
    CROSS JOIN LATERAL (
      SELECT
        coalesce(sum(f.new_seconds - f.held_seconds), 0) AS seconds,
        coalesce(sum(f.new_cost - f.held_cost), 0) AS cost
      FROM fitted AS f
      WHERE f.user_id = quota.user_id AND f.period = quota.current_month AND f.differs
    ) AS change
    WHERE q.id = quota.id
    RETURNING publish_quota_event(q.user_id, q.current_month, q.version, 'limit_changed', p_now, NULL)
  )
  SELECT min(refitted.due_at) INTO v_due FROM refitted;

  PERFORM announce_due(v_due);

  -- a threshold that lies ahead again can be crossed anew
  DELETE FROM quota_alerts AS a
  USING usage_quotas AS q
  CROSS JOIN LATERAL running_use(q.user_id, q.current_month, p_now) AS running
  WHERE (q.user_id, q.current_month) IN (SELECT * FROM unnest(p_user_ids, p_periods))
    AND a.user_id = q.user_id AND a.period = q.current_month
    AND NOT CASE a.quota_limit
      WHEN 'minutes' THEN
        q.used_seconds + running.consumed_seconds >= 0.6 * a.threshold_percent * q.monthly_limit_minutes
      ELSE q.used_cost * 60 + running.priced_consumed >= 0.6 * a.threshold_percent * q.monthly_limit_cost
    END;
END
$$;

-- Lets the open sessions of the quotas whose limits were changed follow. Returns how many quotas there were.
CREATE FUNCTION sweep_limits(
  p_now timestamptz, p_limit integer, p_max_session_seconds integer, p_lapse_seconds integer, p_thresholds integer[],
  p_account_cost_limit numeric
) RETURNS integer
  LANGUAGE plpgsql AS $$
DECLARE
  v_user_ids text[];
  v_periods text[];
BEGIN
  SELECT array_agg(q.user_id), array_agg(q.current_month) INTO v_user_ids, v_periods
  FROM (
    SELECT q.user_id, q.current_month
    FROM usage_quotas AS q
    WHERE q.limits_changed_at IS NOT NULL
    ORDER BY q.user_id, q.current_month
    LIMIT p_limit
    FOR NO KEY UPDATE SKIP LOCKED
  ) AS q;

  IF v_user_ids IS NOT NULL THEN
    PERFORM refit_holds(
      p_now, v_user_ids, v_periods, p_max_session_seconds, p_lapse_seconds, p_account_cost_limit
    );
    PERFORM refresh_thresholds(p_now, v_user_ids, v_periods, p_thresholds);
  END IF;
  RETURN coalesce(cardinality(v_user_ids), 0);
END
$$;

-- Sets limits from the current month on: one call a user, any number of users; null leaves a limit as it is. Open sessions
-- follow in the same statement. The next month's quota may be there already, since sessions move to it by any node's clock.
CREATE FUNCTION change_limits(
  p_now timestamptz, p_user_ids text[], p_limit_minutes integer[], p_limit_costs numeric[], p_actives boolean[],
  p_default_limit_minutes integer, p_default_limit_cost numeric, p_max_session_seconds integer,
  p_lapse_seconds integer, p_thresholds integer[], p_account_cost_limit numeric
) RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  v_period text;
  v_user_ids text[];
  v_periods text[];
BEGIN
  SELECT month.period INTO STRICT v_period
  FROM billing_periods AS month
  WHERE month.ends_at > p_now
  ORDER BY month.ends_at
  LIMIT 1;

  -- around the month's end the next quota too: another node might just be making it, with the limits from before
  PERFORM ensure_quotas(
    p_now, array_agg(call.user_id), array_agg(month.period), p_default_limit_minutes, p_default_limit_cost
  )
  FROM unnest(p_user_ids) AS call (user_id)
  JOIN billing_periods AS month
    ON month.period = v_period OR month.starts_at > p_now AND month.starts_at <= p_now + interval '2 minutes';

  SELECT array_agg(q.user_id), array_agg(q.current_month) INTO v_user_ids, v_periods
  FROM (
    SELECT q.user_id, q.current_month
    FROM usage_quotas AS q
    WHERE q.user_id = ANY (p_user_ids) AND q.current_month >= v_period
    ORDER BY q.user_id, q.current_month
    FOR NO KEY UPDATE
  ) AS q;

  UPDATE usage_quotas AS q
  SET
    monthly_limit_minutes = coalesce(call.limit_minutes, q.monthly_limit_minutes),
    monthly_limit_cost = coalesce(call.limit_cost, q.monthly_limit_cost),
    is_active = coalesce(call.active, q.is_active)
  FROM unnest(p_user_ids, p_limit_minutes, p_limit_costs, p_actives)
    AS call (user_id, limit_minutes, limit_cost, active)
  WHERE q.user_id = call.user_id AND q.current_month >= v_period;

  PERFORM refit_holds(
    p_now, array_agg(q.user_id), array_agg(q.current_month), p_max_session_seconds, p_lapse_seconds, p_account_cost_limit
  )
  FROM usage_quotas AS q
  WHERE q.user_id = ANY (p_user_ids) AND q.current_month >= v_period AND q.limits_changed_at IS NOT NULL;

  PERFORM refresh_thresholds(p_now, v_user_ids, v_periods, p_thresholds);
END
$$;
