import { QUOTA_SQL, RECORD_SQL } from './stored-rows.ts';

/** What a batch writes. Rows are objects with the names of columns; a part without rows is left out of the statement. */
export interface SaveParts {
  readonly users: readonly UserPart[];
  readonly quotas: readonly object[];
  readonly records: readonly object[];
  readonly entries: readonly object[];
  /** Thresholds that fired, or that can fire again. */
  readonly alerts: readonly object[];
  readonly stops: readonly object[];
  /** Stops that the vendor has confirmed. */
  readonly confirmedStops: readonly object[];
  /** Null without a ceiling. */
  readonly account: AccountPart | null;
  readonly priceRevision: number;
  /** In milliseconds since 1970, when the sweepers must wake up, if that is earlier than they knew. */
  readonly wakeAt: number | null;
  readonly now: Date;
}

export interface UserPart extends Overwritten {
  readonly user_id: string;
  readonly revision: number;
  readonly due_at: string | null;
  /** Each a notification. */
  readonly events: readonly string[];
  /** By how many it changes. */
  readonly open_sessions: number;
  /** Whether it changes the account: it has entries, or takes or leaves a place. */
  readonly books: boolean;
}

/** The rows of a user that a batch overwrites. */
interface Overwritten {
  /** Months of quotas. */
  readonly periods: readonly string[];
  readonly record_ids: readonly string[];
}

export interface AccountPart {
  /** The version that holds were decided on. Null for a batch without a hold. */
  readonly version: number | null;
  /** Thresholds of the ceiling that the batch reached. */
  readonly thresholds: readonly object[];
}

interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * The statement that writes a batch, of the parts that it has: PostgreSQL prepares every table of a statement for writing, also
 * one that gets no row. Each combination of parts is a statement of its own name. Rows are found by their keys, in upserts and
 * lateral joins, whatever PostgreSQL believes of the tables' sizes.
 */
export function saveStatement(parts: SaveParts): Statement {
  const values: unknown[] = [];
  const names: string[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const rows = (name: string, part: readonly object[], sql: (json: string) => string): string[] => {
    if (part.length === 0) return [];
    names.push(name);
    return [sql(bind(JSON.stringify(part)))];
  };
  const part = (name: string, isPart: boolean, sql: () => string): string[] => {
    if (!isPart) return [];
    names.push(name);
    return [sql()];
  };
  let boundNow: string | undefined;
  const now = () => (boundNow ??= `${bind(parts.now)}::timestamptz`);
  const { account } = parts;
  const users = bind(JSON.stringify(parts.users));
  const pricesAreAsLoaded = `(SELECT coalesce(sum(revision), 0) FROM prices) = ${bind(parts.priceRevision)}::bigint`;
  const overwritten = OVERWRITTEN.filter((key) => parts.users.some((user) => user[key].length > 0));
  const begun = part('begun', parts.users.some(isNew), () => begunUsers(pricesAreAsLoaded));
  const steps = [
    lockedUsers(users, pricesAreAsLoaded),
    ...begun,
    ...overwritten.flatMap((key) => part(key, true, () => WRITABLE[key])),
    unchangedUsers(overwritten, begun.length > 0),
    ...part('account', account !== null, () => boundedBy(bind(account?.version))),
    ...(account === null ? [UNBOUNDED] : []),
    SAVED_USERS,
    ...rows('quotas', parts.quotas, (json) => savedQuotas(json, now())),
    ...rows('records', parts.records, savedRecords),
    ...rows('entries', parts.entries, (json) => bookedEntries(json, account !== null)),
    ...rows('alerts', parts.alerts, savedAlerts),
    ...rows('stops', parts.stops, (json) => orderedStops(json, now())),
    ...rows('confirmed', parts.confirmedStops, (json) => confirmedStops(json, now())),
    ...rows('thresholds', account?.thresholds ?? [], (json) => firedThresholds(json, now())),
  ];
  const notices = [
    ...part(
      'events',
      parts.users.some(({ events }) => events.length > 0),
      () => EVENT_NOTICES,
    ),
    ...part('due', parts.wakeAt !== null, () => dueNotice(bind(parts.wakeAt))),
    ...part('reached', (account?.thresholds.length ?? 0) > 0, () => THRESHOLD_NOTICE),
  ];
  // PostgreSQL keeps 63 bytes of a name.
  const name = `save:${names.map((part) => part.slice(0, 3)).join(',')}`;
  const answer = `SELECT ${['user_id AS "userId"', ...notices].join(',\n  ')}\nFROM ok`;
  return { name, text: `WITH\n${steps.join(',\n')}\n${answer}`, values };
}

const isNew = ({ revision }: UserPart) => revision === 0;

const lockedUsers = (json: string, pricesAreAsLoaded: string) => `batch AS MATERIALIZED (
  SELECT *
  FROM json_to_recordset(${json}) AS b (
    user_id text, revision bigint, due_at timestamptz, events text[], open_sessions integer, books boolean,
    periods text[], record_ids uuid[]
  )
),
-- users who are as they were loaded, locked until the commit; nor may a price have changed
locked AS MATERIALIZED (
  SELECT u.user_id
  FROM batch
  CROSS JOIN LATERAL (
    SELECT u.user_id
    FROM quota_users AS u
    WHERE u.user_id = batch.user_id AND u.revision = batch.revision
    FOR NO KEY UPDATE SKIP LOCKED
  ) AS u
  WHERE ${pricesAreAsLoaded}
)`;

const begunUsers = (pricesAreAsLoaded: string) => `-- and those who had no row yet
begun AS (
  INSERT INTO quota_users (user_id, revision, due_at)
  SELECT user_id, 1, due_at
  FROM batch
  WHERE revision = 0 AND ${pricesAreAsLoaded}
  ORDER BY user_id
  ON CONFLICT (user_id) DO NOTHING
  RETURNING user_id
)`;

/** Locks the rows that a batch overwrites, as far as no other transaction holds them. */
const WRITABLE: Record<keyof Overwritten, string> = {
  periods: `writable_periods AS MATERIALIZED (
  SELECT q.user_id
  FROM batch
  CROSS JOIN LATERAL unnest(batch.periods) AS overwritten (period)
  CROSS JOIN LATERAL (
    SELECT q.user_id
    FROM usage_quotas AS q
    WHERE q.user_id = batch.user_id AND q.current_month = overwritten.period
    FOR NO KEY UPDATE SKIP LOCKED
  ) AS q
  WHERE batch.user_id IN (SELECT user_id FROM locked)
)`,
  record_ids: `writable_record_ids AS MATERIALIZED (
  SELECT r.user_id
  FROM batch
  CROSS JOIN LATERAL unnest(batch.record_ids) AS overwritten (id)
  CROSS JOIN LATERAL (
    SELECT r.user_id FROM avatar_usage_records AS r WHERE r.id = overwritten.id FOR NO KEY UPDATE SKIP LOCKED
  ) AS r
  WHERE batch.user_id IN (SELECT user_id FROM locked)
)`,
};

const OVERWRITTEN = ['periods', 'record_ids'] as const satisfies (keyof Overwritten)[];

/** A user of whom another transaction holds a row that would be overwritten is left out, so that the others need not wait. */
function unchangedUsers(overwritten: readonly (keyof Overwritten)[], hasBegun: boolean): string {
  const isWritable = overwritten.map(
    (key) => ` AND (cardinality(${key}) = 0 OR (user_id, cardinality(${key})) IN (
    SELECT user_id, count(*) FROM writable_${key} GROUP BY user_id
  ))`,
  );
  return `unchanged AS MATERIALIZED (
  SELECT * FROM batch WHERE user_id IN (SELECT user_id FROM locked)${isWritable.join('')}${
    hasBegun ? '\n  UNION ALL\n  SELECT * FROM batch WHERE user_id IN (SELECT user_id FROM begun)' : ''
  }
)`;
}

const UNBOUNDED = 'ok AS MATERIALIZED (SELECT * FROM unchanged)';

const boundedBy = (version: string) => `-- holds under a ceiling take turns: the account must be as it was loaded, too
account AS (
  UPDATE account_state AS a
  SET
    version = a.version + (${version}::bigint IS NOT NULL)::integer,
    open_sessions = a.open_sessions + change.open_sessions
  FROM (SELECT sum(open_sessions)::integer AS open_sessions FROM unchanged WHERE books HAVING count(*) > 0) AS change
  WHERE a.version = coalesce(${version}, a.version)
  RETURNING a.id
),
ok AS MATERIALIZED (
  SELECT * FROM unchanged WHERE ${version}::bigint IS NULL OR EXISTS (SELECT FROM account)
)`;

const SAVED_USERS = `saved_users AS (
  INSERT INTO quota_users AS u (user_id, revision, due_at)
  SELECT user_id, revision, due_at FROM ok WHERE revision > 0
  ON CONFLICT (user_id) DO UPDATE SET revision = u.revision + 1, due_at = excluded.due_at
)`;

const savedQuotas = (json: string, now: string) => `saved_quotas AS (
  INSERT INTO usage_quotas (user_id, ${QUOTA_SQL.named}, last_reset_at, created_at, updated_at)
  SELECT q.user_id, ${QUOTA_SQL.named}, ${now}, ${now}, ${now}
  FROM json_to_recordset(${json}) AS q (user_id text, ${QUOTA_SQL.declared})
  WHERE q.user_id IN (SELECT ok.user_id FROM ok)
  ON CONFLICT ON CONSTRAINT usage_quotas_user_month_key DO UPDATE SET ${QUOTA_SQL.assigned}, updated_at = ${now}
)`;

const savedRecords = (json: string) => `saved_records AS (
  INSERT INTO avatar_usage_records (user_id, ${RECORD_SQL.named})
  SELECT r.user_id, ${RECORD_SQL.named}
  FROM json_to_recordset(${json}) AS r (user_id text, ${RECORD_SQL.declared})
  WHERE r.user_id IN (SELECT ok.user_id FROM ok)
  ON CONFLICT (id) DO UPDATE SET ${RECORD_SQL.assigned}
)`;

const bookedEntries = (json: string, isBounded: boolean) => `entry AS MATERIALIZED (
  SELECT e.*
  FROM json_to_recordset(${json}) AS e (
    user_id text, period text, record_id uuid, entry ledger_entry, used_seconds integer, used_cost numeric,
    held_seconds integer, held_cost numeric, reason text, actor text, created_at timestamptz, position integer
  )
  WHERE e.user_id IN (SELECT ok.user_id FROM ok)
),
booked AS (
  INSERT INTO quota_ledger
    (user_id, period, record_id, entry, used_seconds, used_cost, held_seconds, held_cost, reason, actor, created_at)
  SELECT user_id, period, record_id, entry, used_seconds, used_cost, held_seconds, held_cost, reason, actor, created_at
  FROM entry
  ORDER BY position
)${isBounded ? BOOKED_ON_ACCOUNT : ''}`;

const BOOKED_ON_ACCOUNT = `,
-- the account's row comes before its months, in every batch: two batches that book on it at once never wait for each other
booked_on_account AS (
  INSERT INTO account_budgets AS a (period, used_cost, held_cost)
  SELECT period, sum(used_cost), sum(held_cost)
  FROM entry
  WHERE EXISTS (SELECT FROM account)
  GROUP BY period
  ORDER BY period
  ON CONFLICT (period) DO UPDATE SET
    used_cost = a.used_cost + excluded.used_cost, held_cost = a.held_cost + excluded.held_cost
)`;

const savedAlerts = (json: string) => `alert AS MATERIALIZED (
  SELECT a.*
  FROM json_to_recordset(${json}) AS a (
    user_id text, period text, quota_limit quota_limit, threshold_percent integer, crossed_at timestamptz, fired boolean
  )
  JOIN ok ON ok.user_id = a.user_id
),
fired_alerts AS (
  INSERT INTO quota_alerts (user_id, period, quota_limit, threshold_percent, crossed_at)
  SELECT user_id, period, quota_limit, threshold_percent, crossed_at FROM alert WHERE fired
  RETURNING pg_notify('quota_alerts', json_build_object(
    'userId', user_id, 'period', period, 'limit', quota_limit, 'thresholdPercent', threshold_percent
  )::text)
),
cleared_alerts AS (
  DELETE FROM quota_alerts AS a
  USING alert
  WHERE NOT alert.fired AND a.user_id = alert.user_id AND a.period = alert.period
    AND a.quota_limit = alert.quota_limit AND a.threshold_percent = alert.threshold_percent
)`;

const orderedStops = (json: string, now: string) => `stop AS MATERIALIZED (
  SELECT s.*
  FROM json_to_recordset(${json}) AS s (
    user_id text, record_id uuid, vendor text, avatar_session_id text, reason end_reason, again_before timestamptz
  )
  JOIN ok ON ok.user_id = s.user_id
),
ordered_stops AS (
  INSERT INTO vendor_stops AS s (record_id, vendor, avatar_session_id, reason, next_attempt_at, created_at)
  SELECT record_id, vendor, avatar_session_id, reason, ${now}, ${now} FROM stop
  ON CONFLICT (record_id) DO UPDATE
  SET attempts = 0, next_attempt_at = ${now}, confirmed_at = NULL, last_error = NULL, created_at = ${now}
  WHERE EXISTS (
    SELECT FROM stop
    WHERE stop.record_id = s.record_id AND (stop.again_before = 'infinity' OR s.confirmed_at < stop.again_before)
  )
)`;

const confirmedStops = (json: string, now: string) => `confirmed_stops AS (
  UPDATE vendor_stops
  SET confirmed_at = ${now}, next_attempt_at = NULL, last_error = NULL
  WHERE confirmed_at IS NULL AND record_id IN (
    SELECT record_id FROM json_to_recordset(${json}) AS c (user_id text, record_id uuid) JOIN ok USING (user_id)
  )
)`;

const firedThresholds = (json: string, now: string) => `fired_on_account AS (
  INSERT INTO account_alerts (period, threshold_percent, crossed_at)
  SELECT f.period, f.threshold_percent, ${now}
  FROM json_to_recordset(${json}) AS f (period text, threshold_percent integer)
  WHERE EXISTS (SELECT FROM ok)
  ON CONFLICT DO NOTHING
  RETURNING period, threshold_percent
)`;

const EVENT_NOTICES = `(SELECT count(pg_notify('quota_events', event)) FROM unnest(events) AS event)`;

/** The sweepers sleep until the next moment that they know. */
const dueNotice = (wakeAt: string) => `(SELECT pg_notify('quota_due', ${wakeAt}))`;

const THRESHOLD_NOTICE = `(
    SELECT pg_notify('account_events', json_build_object(
      'period', f.period, 'thresholdPercent', max(f.threshold_percent)
    )::text)
    FROM fired_on_account AS f
    GROUP BY f.period
    LIMIT 1
  )`;
