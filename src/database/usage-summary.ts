import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import { parseMoney } from '../domain/money.ts';
import { type BillingPeriod, periodStart } from '../domain/period.ts';
import { recordUse } from '../domain/record-use.ts';
import { usageRecordOf } from '../domain/saved-record.ts';
import type { UsageReader, UsageSummary, UsageTotals } from '../domain/usage-summary.ts';
import { toPublicError } from './errors.ts';
import { type Json, RECORD_SQL, toStoredRecord } from './stored-rows.ts';

/**
 * A user's records of a month by avatar and day, those that are running one by one. A session that ran past the month's end
 * counts with the seconds that fall into the month, on its first day if it started before.
 *
 * The vendor's own figures count as soon as they are known, as they do in the quota.
 *
 *   $1 user   $2 month   $3 its start   $4 time zone
 */
const USAGE = `
WITH usage AS (
  SELECT
    r.avatar_name,
    to_char(greatest(coalesce(r.session_started_at, r.created_at), $3) AT TIME ZONE $4, 'YYYY-MM-DD') AS day,
    r.billing_period = $2 AS is_first_month,
    r.quota_period = $2 AS is_last_month,
    CASE WHEN r.status = 'active' THEN (SELECT to_json(row) FROM (SELECT ${RECORD_SQL.selected('r')}) AS row) END AS running,
    r.session_started_at IS NOT NULL AS started,
    r.status, r.words_spoken, r.messages_count, r.settled_seconds, r.settled_cost,
    -- of a running session, what is settled in the months before
    CASE WHEN r.status = 'active' THEN r.settled_seconds ELSE coalesce(r.actual_seconds, r.duration_seconds) END AS seconds,
    CASE WHEN r.status = 'active' THEN r.settled_cost ELSE coalesce(r.actual_cost, r.estimated_cost) END AS cost
  FROM avatar_usage_records AS r
  WHERE r.user_id = $1 AND (r.billing_period = $2 OR r.quota_period = $2)
)
SELECT
  avatar_name AS "avatarName", day,
  count(*) FILTER (WHERE is_first_month AND started)::integer AS "sessionCount",
  count(*) FILTER (WHERE is_last_month AND status = 'completed')::integer AS "completedCount",
  count(*) FILTER (WHERE is_last_month AND status = 'error')::integer AS "errorCount",
  coalesce(sum(
    CASE WHEN is_first_month THEN least(settled_seconds, seconds) ELSE 0 END
    + CASE WHEN is_last_month THEN seconds - least(settled_seconds, seconds) ELSE 0 END
  ), 0)::integer AS "totalSeconds",
  coalesce(sum(
    CASE WHEN is_first_month THEN least(settled_cost, cost) ELSE 0 END
    + CASE WHEN is_last_month THEN cost - least(settled_cost, cost) ELSE 0 END
  ), 0)::text AS "totalCost",
  coalesce(sum(words_spoken) FILTER (WHERE is_first_month), 0)::float8 AS "wordsSpoken",
  coalesce(sum(messages_count) FILTER (WHERE is_first_month), 0)::float8 AS "messagesCount",
  json_agg(running) FILTER (WHERE is_last_month AND running IS NOT NULL) AS running
FROM usage
GROUP BY avatar_name, day`;

interface UsageRow extends Omit<UsageTotals, 'totalCost'> {
  readonly avatarName: string;
  readonly day: string;
  readonly totalCost: string;
  readonly completedCount: number;
  readonly errorCount: number;
  readonly wordsSpoken: number;
  readonly messagesCount: number;
  readonly running: readonly Json[] | null;
}

/** The largest number that a GraphQL Int holds. */
const MAX_COUNT = 2 ** 31 - 1;

interface UsageReaderOptions {
  readonly pool: pg.Pool;
  readonly billingTimeZone: string;
  readonly clock: Clock;
}

export function createUsageReader({ pool, billingTimeZone, clock }: UsageReaderOptions): UsageReader {
  return {
    async summary(userId, period) {
      try {
        const { rows } = await pool.query<UsageRow>({
          name: 'usage',
          text: USAGE,
          values: [userId, period, periodStart(period, billingTimeZone), billingTimeZone],
        });
        const now = clock();
        return summarize(
          period,
          rows.map((row) => withRunning(userId, row, now)),
        );
      } catch (error) {
        throw toPublicError(error);
      }
    },
  };
}

type Usage = Omit<UsageRow, 'totalCost' | 'running'> & UsageTotals;

/** Adds what running sessions have consumed up to now. */
function withRunning(userId: string, { running, ...row }: UsageRow, now: Date): Usage {
  const uses = (running ?? [])
    .map((json) => usageRecordOf(userId, toStoredRecord(json)))
    .map((record) => ({ record, use: recordUse(record, now) }));
  return {
    ...row,
    totalSeconds: uses.reduce((sum, { record, use }) => sum + use.seconds - record.settledSeconds, row.totalSeconds),
    totalCost: uses.reduce((sum, { record, use }) => sum + use.cost - record.settledCost, parseMoney(row.totalCost)),
  };
}

function summarize(period: BillingPeriod, usage: readonly Usage[]): UsageSummary {
  const sum = (count: (each: Usage) => number) => usage.reduce((total, each) => total + count(each), 0);
  return {
    period,
    ...totals(usage),
    completedCount: sum(({ completedCount }) => completedCount),
    errorCount: sum(({ errorCount }) => errorCount),
    wordsSpoken: Math.min(
      sum(({ wordsSpoken }) => wordsSpoken),
      MAX_COUNT,
    ),
    messagesCount: Math.min(
      sum(({ messagesCount }) => messagesCount),
      MAX_COUNT,
    ),
    byAvatar: totalsBy(usage, ({ avatarName }) => avatarName)
      .map(([avatarName, each]) => ({ avatarName, ...each }))
      .sort((a, b) => compare(b.totalCost, a.totalCost) || compare(a.avatarName, b.avatarName)),
    byDay: totalsBy(usage, ({ day }) => day)
      .map(([date, each]) => ({ date, ...each }))
      .sort((a, b) => compare(a.date, b.date)),
  };
}

/** The groups in which anything was streamed. */
function totalsBy(usage: readonly Usage[], keyOf: (each: Usage) => string): [string, UsageTotals][] {
  return [...Map.groupBy(usage, keyOf)]
    .map(([key, group]): [string, UsageTotals] => [key, totals(group)])
    .filter(([, { sessionCount, totalSeconds }]) => sessionCount > 0 || totalSeconds > 0);
}

function totals(usage: readonly Usage[]): UsageTotals {
  return {
    sessionCount: usage.reduce((sum, each) => sum + each.sessionCount, 0),
    totalSeconds: usage.reduce((sum, each) => sum + each.totalSeconds, 0),
    totalCost: usage.reduce((sum, each) => sum + each.totalCost, 0n),
  };
}

function compare<Value extends string | bigint>(a: Value, b: Value): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
