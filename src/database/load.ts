import type pg from 'pg';
import { parseMoney } from '../domain/money.ts';
import type { BillingPeriod } from '../domain/period.ts';
import type { AccountState, UserState } from '../domain/state.ts';
import { QUOTA_SQL, RECORD_SQL, toUserState, type UserJson } from './stored-rows.ts';

/** Whose state to load, and of which records beside those that are open or that the vendor may still bill. */
export interface LoadRequest {
  readonly userIds: readonly string[];
  /** Records by their ID. */
  readonly recordIds: readonly string[];
  /** Records by the vendor's ID of their session. */
  readonly avatarSessionIds: readonly string[];
  /** The month before the present one: quotas from there on are loaded, and the last one before them. */
  readonly since: BillingPeriod;
  readonly now: Date;
  readonly maxTokensPerMinute: number;
}

export interface Loaded {
  readonly users: ReadonlyMap<string, UserState>;
  /** Of the sessions asked for, those that a record of any user has. */
  readonly takenSessions: ReadonlySet<string>;
  /** Another one after each change of the prices. */
  readonly priceRevision: number;
  /** Null where no account is kept. */
  readonly account: LoadedAccount | null;
}

export interface LoadedAccount {
  readonly version: number;
  readonly state: AccountState;
}

/**
 * Everything that decisions about the users of a batch can depend on, in one statement. It looks at each user by the keys, whatever
 * PostgreSQL believes of the tables' sizes: a plan that was made for a small table would read all of a large one. The lists are
 * JSON, since PostgreSQL plans for the length of an array, and would do so at every call.
 */
const LOAD = `
WITH
asked AS (
  SELECT DISTINCT user_id FROM json_array_elements_text($1) AS asked (user_id)
),
-- the records that calls name; those of other users only show that a session is taken
named AS MATERIALIZED (
  SELECT r.*
  FROM (
    SELECT id::uuid FROM json_array_elements_text($2) AS call (id)
    UNION
    SELECT r.id
    FROM json_array_elements_text($3) AS call (avatar_session_id)
    CROSS JOIN LATERAL (
      SELECT r.id FROM avatar_usage_records AS r WHERE r.avatar_session_id = call.avatar_session_id LIMIT 1
    ) AS r
  ) AS call
  CROSS JOIN LATERAL (SELECT * FROM avatar_usage_records AS r WHERE r.id = call.id LIMIT 1) AS r
)
SELECT
  (
    SELECT json_agg(person)
    FROM (
      SELECT
        asked.user_id, coalesce(u.revision, 0) AS revision, u.due_at, records.rows AS records, quotas.rows AS quotas,
        recent.tokens AS recent_tokens
      FROM asked
      LEFT JOIN LATERAL (
        SELECT u.revision, u.due_at FROM quota_users AS u WHERE u.user_id = asked.user_id LIMIT 1
      ) AS u ON true
      LEFT JOIN LATERAL (
        SELECT min(record.billing_period) AS since, json_agg(row ORDER BY record.created_at, record.id) AS rows
        FROM (
          SELECT r.* FROM avatar_usage_records AS r
          WHERE r.user_id = asked.user_id AND (r.end_reason IS NULL OR r.is_stopping OR r.held_seconds > 0)
          UNION ALL
          SELECT named.* FROM named
          WHERE named.user_id = asked.user_id
            AND NOT (named.end_reason IS NULL OR named.is_stopping OR named.held_seconds > 0)
        ) AS record
        CROSS JOIN LATERAL (SELECT ${RECORD_SQL.selected('record')}) AS row
      ) AS records ON true
      LEFT JOIN LATERAL (
        SELECT json_agg(row ORDER BY q.current_month) AS rows
        FROM usage_quotas AS q
        CROSS JOIN LATERAL (
          SELECT ${QUOTA_SQL.selected('q')}, (
            SELECT json_agg(alert)
            FROM (
              SELECT a.quota_limit, a.threshold_percent, a.crossed_at
              FROM quota_alerts AS a
              WHERE a.user_id = q.user_id AND a.period = q.current_month
            ) AS alert
          ) AS alerts
        ) AS row
        WHERE q.user_id = asked.user_id AND q.current_month >= coalesce(
          (
            SELECT max(last.current_month) FROM usage_quotas AS last
            WHERE last.user_id = asked.user_id AND last.current_month < least($4, records.since)
          ),
          ''
        )
      ) AS quotas ON true
      -- every request that reached the vendor, whether it granted a token or not
      LEFT JOIN LATERAL (
        SELECT json_agg(token.created_at ORDER BY token.created_at DESC) AS tokens
        FROM (
          SELECT r.created_at
          FROM avatar_usage_records AS r
          WHERE r.user_id = asked.user_id AND r.created_at > $5::timestamptz - interval '1 minute'
          ORDER BY r.created_at DESC
          LIMIT $6
        ) AS token
      ) AS recent ON true
    ) AS person
  ) AS users,
  (SELECT json_agg(DISTINCT named.avatar_session_id) FROM named WHERE named.avatar_session_id IS NOT NULL) AS taken,
  (SELECT coalesce(sum(revision), 0)::float8 FROM prices) AS price_revision,
  (
    SELECT json_build_object(
      'version', a.version,
      'openSessions', a.open_sessions,
      'months', (
        SELECT json_agg(json_build_array(m.period, m.used_cost::text, m.held_cost::text))
        FROM account_budgets AS m WHERE m.period >= $4
      ),
      'alerts', (
        SELECT json_agg(json_build_array(f.period, f.threshold_percent)) FROM account_alerts AS f WHERE f.period >= $4
      )
    )
    FROM account_state AS a
  ) AS account`;

interface LoadRow {
  readonly users: UserJson[] | null;
  readonly taken: string[] | null;
  readonly price_revision: number;
  readonly account: AccountJson | null;
}

interface AccountJson {
  readonly version: number;
  readonly openSessions: number;
  readonly months: [period: string, usedCost: string, heldCost: string][] | null;
  readonly alerts: [period: string, thresholdPercent: number][] | null;
}

export async function load(database: Pick<pg.Pool | pg.PoolClient, 'query'>, request: LoadRequest): Promise<Loaded> {
  const { rows } = await database.query<LoadRow>({
    name: 'load',
    text: LOAD,
    values: [
      JSON.stringify(request.userIds),
      JSON.stringify(request.recordIds),
      JSON.stringify(request.avatarSessionIds),
      request.since,
      request.now,
      request.maxTokensPerMinute,
    ],
  });
  const [row] = rows;
  if (!row) throw new Error('The load statement returned no row');
  return {
    users: new Map((row.users ?? []).map((user) => [user.user_id, toUserState(user)])),
    takenSessions: new Set(row.taken ?? []),
    priceRevision: row.price_revision,
    account: row.account && toAccount(row.account),
  };
}

function toAccount({ version, openSessions, months, alerts }: AccountJson): LoadedAccount {
  const fired = new Map<string, Set<number>>();
  for (const [period, percent] of alerts ?? []) fired.set(period, (fired.get(period) ?? new Set()).add(percent));
  return {
    version,
    state: {
      openSessions,
      months: new Map(
        (months ?? []).map(([period, used, held]) => [
          period,
          { usedCost: parseMoney(used), heldCost: parseMoney(held) },
        ]),
      ),
      alerts: fired,
    },
  };
}
