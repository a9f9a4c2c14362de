import type pg from 'pg';
import type { Decision } from '../domain/decide/decide.ts';
import { formatMoney } from '../domain/money.ts';
import { isOpen, type StoredQuota, type UserState } from '../domain/state.ts';
import { instantText, QUOTA_SQL, quotaToJson, RECORD_SQL, recordToJson } from './stored-rows.ts';

/** A notification carries less than 8,000 bytes, and an event takes up to 1,700 of them, most of them for the user's ID. */
const EVENTS_PER_NOTIFICATION = 4;

/** A decision, and the state that it was decided on. */
export interface Decided {
  readonly before: UserState;
  readonly decision: Decision;
}

/** What a batch changes of the account that all users share. */
export interface AccountChange {
  /** The version that holds were decided on: if it has changed, nothing is saved. Null for a batch without a hold. */
  readonly version: number | null;
  /** Thresholds of the ceiling that the batch reached. */
  readonly fired: readonly { readonly period: string; readonly thresholdPercent: number }[];
}

/** What a batch was decided by. */
export interface SaveTerms {
  readonly priceRevision: number;
  readonly account: AccountChange;
  readonly now: Date;
}

/**
 * Writes a batch of decisions in one statement and one commit, and notifies: for those users alone who still have the revision
 * that was decided on. A user that another transaction holds at this moment is treated as changed, so that no one waits.
 *
 *   $1 users: user_id, revision, due_at, events (each a notification), open_sessions (change of the number of open records),
 *      books (whether there are ledger entries)
 *   $2 quotas, $3 records, $4 ledger entries, $5 alerts (fired, or not), $6 stops: each row with its user_id
 *   $7 the account's version, or null   $8 thresholds of the account   $9 now   $10 the revision of the prices
 */
const SAVE = `
WITH
batch AS MATERIALIZED (
  SELECT *
  FROM json_to_recordset($1) AS b (
    user_id text, revision bigint, due_at timestamptz, events text[], open_sessions integer, books boolean
  )
),
-- users who are as they were loaded, locked until the commit
locked AS MATERIALIZED (
  SELECT u.user_id, u.due_at
  FROM batch JOIN quota_users AS u ON u.user_id = batch.user_id AND u.revision = batch.revision
  -- nor may a price have changed
  WHERE (SELECT coalesce(sum(revision), 0) FROM prices) = $10::bigint
  ORDER BY u.user_id
  FOR NO KEY UPDATE OF u SKIP LOCKED
),
-- and those who had no row yet
begun AS (
  INSERT INTO quota_users (user_id, revision, due_at)
  SELECT user_id, 1, due_at
  FROM batch
  WHERE revision = 0 AND (SELECT coalesce(sum(revision), 0) FROM prices) = $10::bigint
  ORDER BY user_id
  ON CONFLICT (user_id) DO NOTHING
  RETURNING user_id
),
unchanged AS MATERIALIZED (
  SELECT user_id, due_at FROM locked UNION ALL SELECT user_id, NULL FROM begun
),
-- holds under a ceiling take turns: the account must be as it was loaded, too
account AS (
  UPDATE account_state AS a
  SET
    version = a.version + ($7::bigint IS NOT NULL)::integer,
    open_sessions = a.open_sessions + change.open_sessions
  FROM (
    SELECT sum(batch.open_sessions)::integer AS open_sessions
    FROM batch JOIN unchanged ON unchanged.user_id = batch.user_id
    WHERE batch.books
    HAVING count(*) > 0
  ) AS change
  WHERE a.version = coalesce($7, a.version)
  RETURNING a.id
),
ok AS MATERIALIZED (
  SELECT unchanged.* FROM unchanged WHERE $7::bigint IS NULL OR EXISTS (SELECT FROM account)
),
saved_users AS (
  UPDATE quota_users AS u
  SET revision = u.revision + 1, due_at = batch.due_at
  FROM batch JOIN ok ON ok.user_id = batch.user_id
  WHERE u.user_id = batch.user_id AND batch.revision > 0
),
saved_quotas AS (
  INSERT INTO usage_quotas (user_id, ${QUOTA_SQL.named}, last_reset_at, created_at, updated_at)
  SELECT q.user_id, ${QUOTA_SQL.named}, $9, $9, $9
  FROM json_to_recordset($2) AS q (user_id text, ${QUOTA_SQL.declared})
  WHERE q.user_id IN (SELECT ok.user_id FROM ok)
  ON CONFLICT ON CONSTRAINT usage_quotas_user_month_key DO UPDATE SET ${QUOTA_SQL.assigned}, updated_at = $9
),
saved_records AS (
  INSERT INTO avatar_usage_records (user_id, ${RECORD_SQL.named})
  SELECT r.user_id, ${RECORD_SQL.named}
  FROM json_to_recordset($3) AS r (user_id text, ${RECORD_SQL.declared})
  WHERE r.user_id IN (SELECT ok.user_id FROM ok)
  ON CONFLICT (id) DO UPDATE SET ${RECORD_SQL.assigned}
),
entry AS MATERIALIZED (
  SELECT e.*
  FROM json_to_recordset($4) AS e (
    user_id text, period text, record_id uuid, entry ledger_entry, used_seconds integer, used_cost numeric,
    held_seconds integer, held_cost numeric, reason text, actor text, created_at timestamptz
  )
  JOIN ok ON ok.user_id = e.user_id
),
booked AS (
  INSERT INTO quota_ledger
    (user_id, period, record_id, entry, used_seconds, used_cost, held_seconds, held_cost, reason, actor, created_at)
  SELECT * FROM entry
),
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
),
alert AS (
  SELECT a.*
  FROM json_to_recordset($5) AS a (
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
),
stop AS MATERIALIZED (
  SELECT s.*
  FROM json_to_recordset($6) AS s (
    user_id text, record_id uuid, vendor text, avatar_session_id text, reason end_reason, again_before timestamptz
  )
  JOIN ok ON ok.user_id = s.user_id
),
ordered_stops AS (
  INSERT INTO vendor_stops (record_id, vendor, avatar_session_id, reason, next_attempt_at, created_at)
  SELECT record_id, vendor, avatar_session_id, reason, $9, $9 FROM stop
  ON CONFLICT (record_id) DO NOTHING
),
repeated_stops AS (
  UPDATE vendor_stops AS s
  SET attempts = 0, next_attempt_at = $9, confirmed_at = NULL, last_error = NULL, created_at = $9
  FROM stop
  WHERE s.record_id = stop.record_id
    AND (stop.again_before = 'infinity' OR s.confirmed_at < stop.again_before)
),
fired_on_account AS (
  INSERT INTO account_alerts (period, threshold_percent, crossed_at)
  SELECT f.period, f.threshold_percent, $9
  FROM json_to_recordset($8) AS f (period text, threshold_percent integer)
  WHERE EXISTS (SELECT FROM ok)
  ON CONFLICT DO NOTHING
  RETURNING period, threshold_percent
)
SELECT
  ok.user_id AS "userId",
  (SELECT count(pg_notify('quota_events', event)) FROM unnest(batch.events) AS event),
  -- the sweepers sleep until the next moment that they know
  (
    SELECT pg_notify('quota_due', (extract(epoch FROM due.at) * 1000)::bigint::text)
    FROM (
      SELECT least(
        (
          SELECT min(b.due_at) FROM batch AS b JOIN ok AS o ON o.user_id = b.user_id
          WHERE b.due_at < coalesce(o.due_at, 'infinity')
        ),
        (SELECT $9::timestamptz FROM stop LIMIT 1)
      ) AS at
    ) AS due
    WHERE due.at IS NOT NULL
  ),
  (
    SELECT pg_notify('account_events', json_build_object(
      'period', f.period, 'thresholdPercent', max(f.threshold_percent)
    )::text)
    FROM fired_on_account AS f
    GROUP BY f.period
    LIMIT 1
  )
FROM ok JOIN batch ON batch.user_id = ok.user_id`;

/** The users whose decisions were saved. */
export async function save(
  database: Pick<pg.Pool | pg.PoolClient, 'query'>,
  batch: readonly Decided[],
  { priceRevision, account, now }: SaveTerms,
): Promise<ReadonlySet<string>> {
  const { rows } = await database.query<{ userId: string }>({
    name: 'save',
    text: SAVE,
    values: [
      json(batch.map(userRow)),
      json(
        batch.flatMap(({ decision: { userId, quotas } }) =>
          quotas.map((quota) => ({ user_id: userId, ...quotaToJson(quota) })),
        ),
      ),
      json(
        batch.flatMap(({ decision: { userId, records } }) =>
          records.map((record) => ({ user_id: userId, ...recordToJson(record) })),
        ),
      ),
      json(batch.flatMap(({ decision }) => decision.entries.map(entryRow))),
      json(batch.flatMap(alertRows)),
      json(batch.flatMap(({ decision }) => stopRows(decision))),
      account.version,
      json(account.fired.map(({ period, thresholdPercent }) => ({ period, threshold_percent: thresholdPercent }))),
      now,
      priceRevision,
    ],
  });
  return new Set(rows.map(({ userId }) => userId));
}

function json(rows: readonly object[]): string {
  return JSON.stringify(rows);
}

function userRow({ before, decision }: Decided): object {
  const { userId, revision, dueAt, events, after } = decision;
  return {
    user_id: userId,
    revision,
    due_at: dueAt === null ? null : instantText(dueAt),
    events: notifications(events.map((event) => ({ userId, ...event }))),
    open_sessions: after.records.filter(isOpen).length - before.records.filter(isOpen).length,
    books: decision.entries.length > 0,
  };
}

/** Events in their order, as many in a notification as it may carry. */
function notifications(events: readonly object[]): string[] {
  const texts: string[] = [];
  for (let first = 0; first < events.length; first += EVENTS_PER_NOTIFICATION) {
    texts.push(JSON.stringify(events.slice(first, first + EVENTS_PER_NOTIFICATION)));
  }
  return texts;
}

function entryRow(entry: Decision['entries'][number]): object {
  return {
    user_id: entry.userId,
    period: entry.period,
    record_id: entry.recordId,
    entry: entry.kind,
    used_seconds: entry.usedSeconds,
    used_cost: formatMoney(entry.usedCost),
    held_seconds: entry.heldSeconds,
    held_cost: formatMoney(entry.heldCost),
    reason: entry.reason,
    actor: entry.actor,
    created_at: instantText(entry.at),
  };
}

/** Thresholds that have fired since, and those that can fire again. */
function alertRows({ before, decision: { userId, quotas } }: Decided): object[] {
  return quotas.flatMap((quota) => {
    const known = before.quotas.find(({ period }) => period === quota.period)?.alerts ?? [];
    const row = (alert: StoredQuota['alerts'][number], fired: boolean) => ({
      user_id: userId,
      period: quota.period,
      quota_limit: alert.limit,
      threshold_percent: alert.thresholdPercent,
      crossed_at: alert.crossedAt.toISOString(),
      fired,
    });
    return [
      ...quota.alerts.filter((alert) => !known.includes(alert)).map((alert) => row(alert, true)),
      ...known.filter((alert) => !quota.alerts.includes(alert)).map((alert) => row(alert, false)),
    ];
  });
}

function stopRows({ userId, stops }: Decision): object[] {
  return stops.map((stop) => ({
    user_id: userId,
    record_id: stop.recordId,
    vendor: stop.vendor,
    avatar_session_id: stop.avatarSessionId,
    reason: stop.reason,
    again_before: againBefore(stop.againIfConfirmedBefore),
  }));
}

function againBefore(instant: number | null): string | null {
  if (instant === null) return null;
  return Number.isFinite(instant) ? instantText(instant) : 'infinity';
}
