import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import { parseMoney } from '../domain/money.ts';
import type { BillingPeriod } from '../domain/period.ts';
import type { UsageReader, UsageSummary, UsageTotals } from '../domain/usage-summary.ts';
import { toPublicError } from './errors.ts';

/** One row per avatar, one per day and one for all, told apart by which of the two is null. */
const USAGE_SUMMARY = `
WITH usage AS (
  SELECT
    r.avatar_name, r.status, r.words_spoken, r.messages_count,
    r.session_started_at IS NOT NULL AS started,
    (r.session_started_at AT TIME ZONE $3)::date AS day,
    CASE WHEN r.status = 'active' THEN floor(running.seconds)::integer ELSE r.duration_seconds END AS seconds,
    CASE WHEN r.status = 'active' THEN session_cost(running.seconds, r.price_per_minute) ELSE r.estimated_cost END AS cost
  FROM avatar_usage_records AS r
  CROSS JOIN LATERAL (
    SELECT least(greatest(extract(epoch FROM $4::timestamptz - r.session_started_at), 0), r.held_seconds) AS seconds
  ) AS running
  WHERE r.user_id = $1 AND r.billing_period = $2
)
SELECT
  avatar_name, to_char(day, 'YYYY-MM-DD') AS date,
  count(*) FILTER (WHERE started)::integer AS session_count,
  count(*) FILTER (WHERE status = 'completed')::integer AS completed_count,
  count(*) FILTER (WHERE status = 'error')::integer AS error_count,
  coalesce(sum(seconds), 0)::integer AS total_seconds,
  coalesce(sum(cost), 0)::text AS total_cost,
  coalesce(sum(words_spoken), 0)::integer AS words_spoken,
  coalesce(sum(messages_count), 0)::integer AS messages_count
FROM usage
GROUP BY GROUPING SETS ((), (avatar_name), (day))
HAVING grouping(avatar_name) = 1 AND grouping(day) = 1 OR count(*) FILTER (WHERE started) > 0
ORDER BY date NULLS FIRST, sum(cost) DESC, avatar_name`;

interface SummaryRow {
  avatar_name: string | null;
  date: string | null;
  session_count: number;
  completed_count: number;
  error_count: number;
  total_seconds: number;
  total_cost: string;
  words_spoken: number;
  messages_count: number;
}

interface UsageReaderOptions {
  readonly pool: pg.Pool;
  readonly billingTimeZone: string;
  readonly clock: Clock;
}

export function createUsageReader({ pool, billingTimeZone, clock }: UsageReaderOptions): UsageReader {
  return {
    async summary(userId, period) {
      try {
        const { rows } = await pool.query<SummaryRow>({
          name: 'usage_summary',
          text: USAGE_SUMMARY,
          values: [userId, period, billingTimeZone, clock()],
        });
        return toSummary(period, rows);
      } catch (error) {
        throw toPublicError(error);
      }
    },
  };
}

function toSummary(period: BillingPeriod, rows: readonly SummaryRow[]): UsageSummary {
  const all = rows.find((row) => row.avatar_name === null && row.date === null);
  if (!all) throw new Error('The summary has no row for the total');
  return {
    period,
    ...toTotals(all),
    completedCount: all.completed_count,
    errorCount: all.error_count,
    wordsSpoken: all.words_spoken,
    messagesCount: all.messages_count,
    byAvatar: rows.flatMap((row) =>
      row.avatar_name === null ? [] : [{ avatarName: row.avatar_name, ...toTotals(row) }],
    ),
    byDay: rows.flatMap((row) => (row.date === null ? [] : [{ date: row.date, ...toTotals(row) }])),
  };
}

function toTotals(row: SummaryRow): UsageTotals {
  return {
    sessionCount: row.session_count,
    totalSeconds: row.total_seconds,
    totalCost: parseMoney(row.total_cost),
  };
}
