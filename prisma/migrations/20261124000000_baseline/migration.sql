-- The tables of Avatar Quota: they store, constrain and notify. The rules are in src/domain.
--
-- Instants are timestamptz. Durations are whole seconds. Costs are exact decimals with six places, in the deployment's
-- currency. Every change of used_* or held_* is written together with its rows of quota_ledger.

CREATE TYPE usage_status AS ENUM ('reserved', 'active', 'completed', 'error', 'expired');

CREATE TYPE end_reason AS ENUM (
  'user_ended', 'deadline_reached', 'heartbeat_lost', 'token_expired', 'superseded', 'admin_ended', 'vendor_ended',
  'vendor_error', 'client_error'
);

CREATE TYPE quota_limit AS ENUM ('minutes', 'cost');

CREATE TYPE ledger_entry AS ENUM ('hold', 'release', 'settle', 'correct', 'adjust', 'move');

-- One narrow row per user: what is decided about a user is saved only while this row has the revision that was loaded.
CREATE TABLE quota_users (
  user_id  text PRIMARY KEY,
  -- grows with every change of the user's quotas and records, whoever makes it
  revision bigint NOT NULL,
  -- when anything of the user falls due next
  due_at   timestamptz(3),
  CONSTRAINT quota_users_user_id_length CHECK (char_length(user_id) BETWEEN 1 AND 255)
) WITH (fillfactor = 70);

CREATE INDEX quota_users_due_at_idx ON quota_users (due_at) WHERE due_at IS NOT NULL;

-- One row per user and calendar month.
CREATE TABLE usage_quotas (
  id                    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id               text NOT NULL,
  monthly_limit_minutes integer NOT NULL DEFAULT 60,
  monthly_limit_cost    numeric(18, 6) NOT NULL DEFAULT 50.00,
  -- YYYY-MM in the billing time zone
  current_month         text NOT NULL,
  used_seconds          integer NOT NULL DEFAULT 0,
  used_minutes          numeric(14, 4) NOT NULL GENERATED ALWAYS AS (round(used_seconds / 60.0, 4)) STORED,
  used_cost             numeric(18, 6) NOT NULL DEFAULT 0,
  -- the sum of the holds of this month's open records
  held_seconds          integer NOT NULL DEFAULT 0,
  held_cost             numeric(18, 6) NOT NULL DEFAULT 0,
  -- sessions started in this month
  session_count         integer NOT NULL DEFAULT 0,
  is_active             boolean NOT NULL DEFAULT true,
  -- grows with every change; a month's versions are all higher than those of the month before
  version               integer NOT NULL DEFAULT 0,
  -- when the running sessions will cross the next warning threshold
  next_threshold_at     timestamptz(3),
  -- set when a limit was changed and the open sessions have not followed yet
  limits_changed_at     timestamptz(3),
  last_reset_at         timestamptz(3) NOT NULL DEFAULT now(),
  created_at            timestamptz(3) NOT NULL DEFAULT now(),
  updated_at            timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT usage_quotas_user_month_key UNIQUE (user_id, current_month),
  CONSTRAINT usage_quotas_user_id_length CHECK (char_length(user_id) BETWEEN 1 AND 255),
  CONSTRAINT usage_quotas_month_format CHECK (current_month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
  -- Only what an operator enters is bounded. Use has no upper bound: over-use is booked, never refused.
  CONSTRAINT usage_quotas_limits_not_negative CHECK (monthly_limit_minutes >= 0 AND monthly_limit_cost >= 0),
  CONSTRAINT usage_quotas_holds_not_negative CHECK (held_seconds >= 0 AND held_cost >= 0)
) WITH (fillfactor = 70);

-- One row per token: reserved → active → completed, error or expired.
CREATE TABLE avatar_usage_records (
  id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id             text NOT NULL,
  -- the app's own id for the conversation
  session_id          text NOT NULL,
  -- the vendor's id for the stream, null until it is known
  avatar_session_id   text,
  avatar_name         text NOT NULL DEFAULT 'default',
  vendor              text NOT NULL DEFAULT 'simulator',
  -- what the vendor bills by, such as FULL or LITE
  vendor_mode         text NOT NULL DEFAULT '',
  session_started_at  timestamptz(3),
  session_ended_at    timestamptz(3),
  duration_seconds    integer NOT NULL DEFAULT 0,
  words_spoken        integer NOT NULL DEFAULT 0,
  messages_count      integer NOT NULL DEFAULT 0,
  estimated_cost      numeric(18, 6) NOT NULL DEFAULT 0,
  -- the month the session started in
  billing_period      text NOT NULL,
  -- the month whose quota holds for it now: the next one, once it has run over the month's end
  quota_period        text NOT NULL,
  status              usage_status NOT NULL DEFAULT 'reserved',
  end_reason          end_reason,
  error_message       text,
  currency            text NOT NULL DEFAULT 'USD',
  -- the price where the operator has entered none; null: the vendor's list price
  fallback_price      numeric(18, 6),
  -- the revision of its prices that it follows
  price_revision      bigint NOT NULL DEFAULT 0,
  -- the vendor rounds the session up to a multiple of this, and to the minimum, by the price in force at its start
  billing_step_seconds integer NOT NULL DEFAULT 1,
  minimum_seconds     integer NOT NULL DEFAULT 0,
  -- the price in force, from priced_seconds on: this many seconds, counted from counted_from, were at earlier prices
  price_per_minute    numeric(18, 6) NOT NULL DEFAULT 0,
  priced_seconds      integer NOT NULL DEFAULT 0,
  priced_cost         numeric(18, 6) NOT NULL DEFAULT 0,
  -- when the next price comes into force, as far as is known
  price_until         timestamptz(3),
  -- how long it may run in all, kept after the end
  grant_seconds       integer NOT NULL DEFAULT 0,
  -- the cap that the vendor was given to enforce by itself, null where it takes none
  vendor_cap_seconds  integer,
  -- the cap that it named at the start, which may be lower; null until it is known
  effective_cap_seconds integer,
  -- what of the quota is reserved for this record now: after its end, what the vendor may still bill
  held_seconds        integer NOT NULL DEFAULT 0,
  held_cost           numeric(18, 6) NOT NULL DEFAULT 0,
  -- what of its use is settled already, in the month it started in, while it runs on in the next one
  settled_seconds     integer NOT NULL DEFAULT 0,
  settled_cost        numeric(18, 6) NOT NULL DEFAULT 0,
  -- session_started_at + settled_seconds: from here its use counts to quota_period
  counted_from        timestamptz(3),
  -- SHA-256 of the token that was handed out
  token_hash          bytea,
  -- the token itself, encrypted, to be handed out once more while it is unused
  sealed_token        text,
  -- until when the vendor accepts the token; null while it has not left the service
  token_ends_at       timestamptz(3),
  -- seconds that the vendor may have streamed before the start that was reported
  unseen_seconds      integer NOT NULL DEFAULT 0,
  -- ended here, while the vendor has not confirmed the stop
  is_stopping         boolean NOT NULL DEFAULT false,
  -- the vendor's own figures, beside the estimate: known once it was reconciled
  actual_seconds      integer,
  actual_cost         numeric(18, 6),
  -- what the vendor says it took, a decimal in its credits: later changes of its figures show against these
  vendor_credits      text,
  vendor_end_reason   text,
  reconciled_at       timestamptz(3),
  -- when the unused token or the running session ends by itself; null once it has ended
  expires_at          timestamptz(3),
  last_heartbeat_at   timestamptz(3),
  -- of the notices before the end (60 and 15 seconds left) the last that was sent or passed
  ending_notice       integer,
  -- when the sweeper must look at this record next, if ever
  due_at              timestamptz(3),
  created_at          timestamptz(3) NOT NULL DEFAULT now(),
  updated_at          timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT avatar_usage_records_avatar_session_id_key UNIQUE (avatar_session_id),
  CONSTRAINT avatar_usage_records_user_id_length CHECK (char_length(user_id) BETWEEN 1 AND 255),
  CONSTRAINT avatar_usage_records_session_id_length CHECK (char_length(session_id) BETWEEN 1 AND 255),
  CONSTRAINT avatar_usage_records_period_format CHECK (
    billing_period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$' AND quota_period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'
  ),
  CONSTRAINT avatar_usage_records_counts_not_negative CHECK (
    -- least() passes over NULL
    least(
      duration_seconds, words_spoken, messages_count, grant_seconds, held_seconds, settled_seconds, priced_seconds,
      unseen_seconds, actual_seconds
    ) >= 0
    AND least(estimated_cost, held_cost, settled_cost, priced_cost, actual_cost) >= 0
  ),
  CONSTRAINT avatar_usage_records_reconciled_has_figures CHECK (
    reconciled_at IS NULL OR actual_seconds IS NOT NULL AND actual_cost IS NOT NULL
  ),
  CONSTRAINT avatar_usage_records_active_has_start CHECK (
    status <> 'active' OR session_started_at IS NOT NULL AND counted_from IS NOT NULL
  ),
  CONSTRAINT avatar_usage_records_open_or_over CHECK (
    CASE WHEN status IN ('reserved', 'active')
      THEN end_reason IS NULL AND expires_at IS NOT NULL AND due_at IS NOT NULL
      ELSE end_reason IS NOT NULL AND expires_at IS NULL AND sealed_token IS NULL
    END
  )
) WITH (fillfactor = 70);

-- usageHistory pages by this key
CREATE INDEX avatar_usage_records_history_idx ON avatar_usage_records (user_id, created_at DESC, id DESC);
-- open, or ended while the vendor may still bill it: none of this changes at a start, which rewrites no index
CREATE INDEX avatar_usage_records_outstanding_idx ON avatar_usage_records (user_id)
  WHERE end_reason IS NULL OR is_stopping OR held_seconds > 0;
CREATE INDEX avatar_usage_records_token_hash_idx ON avatar_usage_records (token_hash);
-- what the reconciler has still to compare
CREATE INDEX avatar_usage_records_unreconciled_idx ON avatar_usage_records (vendor, created_at)
  WHERE reconciled_at IS NULL AND avatar_session_id IS NOT NULL;

-- Append-only: why used_* and held_* of a quota are what they are. Amounts are changes, so their sum is the quota.
CREATE TABLE quota_ledger (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id      text NOT NULL,
  period       text NOT NULL,
  record_id    uuid,
  entry        ledger_entry NOT NULL,
  used_seconds integer NOT NULL DEFAULT 0,
  used_cost    numeric(18, 6) NOT NULL DEFAULT 0,
  held_seconds integer NOT NULL DEFAULT 0,
  held_cost    numeric(18, 6) NOT NULL DEFAULT 0,
  reason       text NOT NULL,
  -- who caused it: a user id, or the part of the service that acted
  actor        text NOT NULL,
  created_at   timestamptz(3) NOT NULL DEFAULT now()
);

CREATE INDEX quota_ledger_user_period_idx ON quota_ledger (user_id, period);
-- one settlement per record, whatever races
CREATE UNIQUE INDEX quota_ledger_settled_once ON quota_ledger (record_id, period) WHERE entry = 'settle';

-- Each threshold fires once per user, month and limit.
CREATE TABLE quota_alerts (
  user_id           text NOT NULL,
  period            text NOT NULL,
  quota_limit       quota_limit NOT NULL,
  threshold_percent integer NOT NULL,
  crossed_at        timestamptz(3) NOT NULL,
  PRIMARY KEY (user_id, period, quota_limit, threshold_percent),
  CONSTRAINT quota_alerts_threshold_range CHECK (threshold_percent BETWEEN 1 AND 100)
);

CREATE SEQUENCE price_revision;

-- What a vendor charges for a minute, from a moment on.
CREATE TABLE prices (
  vendor               text NOT NULL,
  -- such as FULL or LITE
  mode                 text NOT NULL,
  currency             text NOT NULL,
  effective_from       timestamptz(3) NOT NULL,
  per_minute           numeric(18, 6) NOT NULL,
  -- use is rounded up to a multiple of this, and to the minimum
  billing_step_seconds integer NOT NULL DEFAULT 1,
  minimum_seconds      integer NOT NULL DEFAULT 0,
  -- the vendor's list price: it counts only where the operator has named none
  is_list              boolean NOT NULL DEFAULT false,
  -- another one with every change, so that open records can tell that they have to follow
  revision             bigint NOT NULL DEFAULT nextval('price_revision'),
  PRIMARY KEY (vendor, mode, currency, effective_from),
  CONSTRAINT prices_sane CHECK (
    per_minute >= 0 AND billing_step_seconds BETWEEN 1 AND 3600 AND minimum_seconds BETWEEN 0 AND 3600
  ),
  CONSTRAINT prices_currency_format CHECK (currency ~ '^[A-Z]{3}$')
);

-- Sessions on the vendor's list that no token of ours explains: embeds, other keys. They spend the same account.
CREATE TABLE unattributed_sessions (
  vendor            text NOT NULL,
  avatar_session_id text NOT NULL,
  -- where it was started, in the vendor's words, such as EMBED
  source            text,
  mode              text,
  started_at        timestamptz(3) NOT NULL,
  -- the month that it started in
  period            text NOT NULL,
  -- null while it runs
  ended_at          timestamptz(3),
  seconds           integer NOT NULL,
  -- a decimal; null where the vendor does not bill in credits
  credits           text,
  cost              numeric(18, 6) NOT NULL,
  currency          text NOT NULL,
  end_reason        text,
  seen_at           timestamptz(3) NOT NULL,
  PRIMARY KEY (vendor, avatar_session_id)
);

CREATE INDEX unattributed_sessions_period_idx ON unattributed_sessions (period);

-- The outbox of stops: sessions that the vendor must still stop.
CREATE TABLE vendor_stops (
  record_id         uuid PRIMARY KEY REFERENCES avatar_usage_records (id),
  vendor            text NOT NULL,
  avatar_session_id text NOT NULL,
  reason            end_reason NOT NULL,
  attempts          integer NOT NULL DEFAULT 0,
  -- null once the vendor has confirmed
  next_attempt_at   timestamptz(3),
  confirmed_at      timestamptz(3),
  last_error        text,
  created_at        timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT vendor_stops_pending_or_confirmed CHECK ((next_attempt_at IS NULL) = (confirmed_at IS NOT NULL))
);

CREATE INDEX vendor_stops_next_attempt_at_idx ON vendor_stops (vendor, next_attempt_at) WHERE next_attempt_at IS NOT NULL;

-- When each vendor was compared with last.
CREATE TABLE vendor_reconciliations (
  vendor       text PRIMARY KEY,
  -- when a run began last, on any node
  started_at   timestamptz(3) NOT NULL,
  -- when the last completed run began
  completed_at timestamptz(3)
);

-- The last attempt to compare each session that is still to be compared. The oldest attempt is repeated first.
CREATE TABLE reconciliation_attempts (
  vendor            text NOT NULL,
  avatar_session_id text NOT NULL,
  attempted_at      timestamptz(3) NOT NULL,
  -- why it was set aside; null if it was not
  problem           text,
  -- how often in a row, and since when
  failures          integer NOT NULL,
  failing_since     timestamptz(3),
  PRIMARY KEY (vendor, avatar_session_id),
  CONSTRAINT reconciliation_attempts_set_aside CHECK (
    (problem IS NULL) = (failures = 0) AND (problem IS NULL) = (failing_since IS NULL)
  )
);

-- What all users together have used and hold, where the account has a ceiling. Empty without one.
CREATE TABLE account_budgets (
  -- YYYY-MM; the sums over the quotas of the month
  period    text PRIMARY KEY,
  used_cost numeric(18, 6) NOT NULL DEFAULT 0,
  held_cost numeric(18, 6) NOT NULL DEFAULT 0
);

-- One row, or none without a ceiling.
CREATE TABLE account_state (
  id            boolean PRIMARY KEY DEFAULT true,
  -- grows with every hold: what was decided on an earlier version is decided again
  version       bigint NOT NULL DEFAULT 0,
  -- unused tokens and running sessions of all users
  open_sessions integer NOT NULL DEFAULT 0,
  CONSTRAINT account_state_single_row CHECK (id)
);

-- Thresholds of the account's ceiling that were reached, each once a month.
CREATE TABLE account_alerts (
  period            text NOT NULL,
  threshold_percent integer NOT NULL,
  crossed_at        timestamptz(3) NOT NULL,
  PRIMARY KEY (period, threshold_percent),
  CONSTRAINT account_alerts_threshold_range CHECK (threshold_percent BETWEEN 1 AND 100)
);

-- A limit that was changed by hand: decisions under way are decided again, and open sessions follow. The service's own
-- changes raise the version and pass by.
CREATE FUNCTION note_hand_written_limit() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO quota_users (user_id, revision, due_at) VALUES (NEW.user_id, 1, 'epoch')
  ON CONFLICT (user_id) DO UPDATE SET revision = quota_users.revision + 1, due_at = 'epoch';
  PERFORM pg_notify('quota_due', '0');
  IF TG_OP = 'UPDATE' THEN
    NEW.limits_changed_at := now();
  END IF;
  RETURN NEW;
END
$$;

CREATE TRIGGER usage_quotas_hand_written_update
  BEFORE UPDATE OF monthly_limit_minutes, monthly_limit_cost, is_active ON usage_quotas
  FOR EACH ROW
  WHEN (OLD.version = NEW.version AND (OLD.monthly_limit_minutes, OLD.monthly_limit_cost, OLD.is_active)
    IS DISTINCT FROM (NEW.monthly_limit_minutes, NEW.monthly_limit_cost, NEW.is_active))
  EXECUTE FUNCTION note_hand_written_limit();

CREATE TRIGGER usage_quotas_hand_written_insert
  BEFORE INSERT ON usage_quotas
  FOR EACH ROW
  WHEN (NEW.version = 0)
  EXECUTE FUNCTION note_hand_written_limit();

-- List prices (docs.liveavatar.com/docs/faq/credits: $0.10 a credit; FULL two credits a minute, LITE one, sandbox none,
-- metered every minute. HeyGen's Interactive Avatar: 0.2 credits a minute, at least 30 seconds, on the most expensive plan).
INSERT INTO prices
  (vendor, mode, currency, effective_from, per_minute, billing_step_seconds, minimum_seconds, is_list)
VALUES
  ('liveavatar', 'FULL', 'USD', '2000-01-01 00:00:00Z', 0.20, 60, 60, true),
  ('liveavatar', 'LITE', 'USD', '2000-01-01 00:00:00Z', 0.10, 60, 60, true),
  ('liveavatar', 'SANDBOX', 'USD', '2000-01-01 00:00:00Z', 0, 1, 0, true),
  ('heygen', 'INTERACTIVE', 'USD', '2000-01-01 00:00:00Z', 0.20, 1, 30, true);
