-- The account's own ceiling: what all users together may hold and use in a month.

-- One row a month, for the whole calendar, once a ceiling is set; without one none, and then nothing here costs anything.
CREATE TABLE account_budgets (
  period     text PRIMARY KEY REFERENCES billing_periods (period),
  -- the sums over the quotas of the month
  used_cost  numeric(18, 6) NOT NULL DEFAULT 0,
  held_cost  numeric(18, 6) NOT NULL DEFAULT 0
);

-- The account's thresholds that were reached: each is told once a month.
CREATE TABLE account_alerts (
  period            text NOT NULL REFERENCES billing_periods (period),
  threshold_percent integer NOT NULL,
  crossed_at        timestamptz(3) NOT NULL,
  PRIMARY KEY (period, threshold_percent),
  CONSTRAINT account_alerts_threshold_range CHECK (threshold_percent BETWEEN 1 AND 100)
);

-- Begins to keep the account's budgets, from the quotas as they are. Those that are kept already stay as they are.
CREATE FUNCTION open_account() RETURNS void
  LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM billing_periods AS month WHERE NOT EXISTS (SELECT FROM account_budgets AS a WHERE a.period = month.period)
  ) THEN
    RETURN;
  END IF;

  -- whoever changes a quota locks its row first: this waits for them, and they for this
  LOCK TABLE usage_quotas IN EXCLUSIVE MODE;

  INSERT INTO account_budgets (period, used_cost, held_cost)
  SELECT month.period, coalesce(sum(q.used_cost), 0), coalesce(sum(q.held_cost), 0)
  FROM billing_periods AS month
  LEFT JOIN usage_quotas AS q ON q.current_month = month.period
  GROUP BY month.period
  ON CONFLICT (period) DO NOTHING;
END
$$;

-- Locks the account's budgets of several months, in the one order in which every statement locks them: after the quotas,
-- the earlier month first. One month alone is locked by what is booked on it.
CREATE FUNCTION lock_account(p_periods text[]) RETURNS void
  LANGUAGE plpgsql AS $$
BEGIN
  IF cardinality(p_periods) > 1 THEN
    PERFORM FROM account_budgets AS a WHERE a.period = ANY (p_periods) ORDER BY a.period FOR NO KEY UPDATE;
  END IF;
END
$$;

-- Whatever changes a quota's used or held is in the ledger, and so in the account's budget.
CREATE FUNCTION book_on_account() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lock_account(array_agg(DISTINCT entry.period)) FROM entries AS entry;

  UPDATE account_budgets AS a
  SET used_cost = a.used_cost + change.used_cost, held_cost = a.held_cost + change.held_cost
  FROM (
    SELECT entry.period, sum(entry.used_cost) AS used_cost, sum(entry.held_cost) AS held_cost
    FROM entries AS entry
    GROUP BY entry.period
  ) AS change
  WHERE a.period = change.period;

  RETURN NULL;
END
$$;

CREATE TRIGGER quota_ledger_account
  AFTER INSERT ON quota_ledger REFERENCING NEW TABLE AS entries
  FOR EACH STATEMENT EXECUTE FUNCTION book_on_account();

-- Tells every node, once a month each, which thresholds of the account's ceiling are reached by what is used and held. The
-- caller holds the lock on the budget.
CREATE FUNCTION warn_of_account(
  p_now timestamptz, p_period text, p_cost_limit numeric, p_thresholds integer[]
) RETURNS void
  LANGUAGE sql AS $$
  WITH fired AS (
    INSERT INTO account_alerts (period, threshold_percent, crossed_at)
    SELECT a.period, percent, p_now
    FROM account_budgets AS a
    CROSS JOIN unnest(p_thresholds) AS percent
    WHERE a.period = p_period AND a.used_cost + a.held_cost >= 0.01 * percent * p_cost_limit
    ON CONFLICT DO NOTHING
    RETURNING threshold_percent
  )
  SELECT pg_notify('account_events', json_build_object(
    'period', p_period, 'thresholdPercent', max(fired.threshold_percent)
  )::text)
  FROM fired
  HAVING count(*) > 0
$$;
