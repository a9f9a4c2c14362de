import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import { parseMoney } from '../domain/money.ts';
import type { BillingPeriod } from '../domain/period.ts';
import type { UsageReader, UsageSummary, UsageTotals } from '../domain/usage-summary.ts';
import { toPublicError } from './errors.ts';

/**
 * One row per avatar, one per day and one for all, told apart by which of the two is null. A session that ran over the
 * month's end counts with the seconds that fall into the month, on its first day if it started before.
 *
 * The vendor's own figures count as soon as they are known, as they do in the quota.
 */
const USAGE_SUMMARY = `
WITH usage AS (
  SELECT
    r.avatar_name,
    r.billing_period = $2 AND r.session_started_at IS NOT NULL AS started,
    (greatest(coalesce(r.session_started_at, r.created_at), month.starts_at) AT TIME ZONE $3)::date AS day,
    CASE WHEN r.quota_period = $2 THEN r.status END AS status,
    CASE WHEN r.billing_period = $2 THEN r.words_spoken ELSE 0 END AS words_spoken,
    CASE WHEN r.billing_period = $2 THEN r.messages_count ELSE 0 END AS messages_count,
    CASE WHEN r.billing_period = $2 THEN first.seconds ELSE 0 END
      + CASE WHEN r.quota_period = $2 THEN total.seconds - first.seconds ELSE 0 END AS seconds,
    CASE WHEN r.billing_period = $2 THEN first.cost ELSE 0 END
      + CASE WHEN r.quota_period = $2 THEN total.cost - first.cost ELSE 0 END AS cost
  FROM avatar_usage_records AS r
  JOIN billing_periods AS month ON month.period = $2
  CROSS JOIN LATERAL (
    SELECT least(greatest(extract(epoch FROM $4::timestamptz - r.counted_from), 0), r.held_seconds) AS seconds
  ) AS running
  CROSS JOIN LATERAL (
    SELECT
      CASE WHEN r.status = 'active' THEN r.settled_seconds + floor(running.seconds)::integer
        ELSE coalesce(r.actual_seconds, r.duration_seconds) END AS seconds,
      CASE WHEN r.status = 'active'
        THEN r.settled_cost + r.priced_cost
          + session_cost(greatest(running.seconds - r.priced_seconds, 0), r.price_per_minute)
        ELSE coalesce(r.actual_cost, r.estimated_cost) END AS cost
  ) AS total
  -- what of it falls into the month it started in, if it ran over its end
  CROSS JOIN LATERAL (
    SELECT least(r.settled_seconds, total.seconds) AS seconds, least(r.settled_cost, total.cost) AS cost
  ) AS first
  WHERE r.user_id = $1 AND (r.billing_period = $2 OR r.quota_period = $2)
)
SELECT
  avatar_name, to_char(day, 'YYYY-MM-DD') AS date,
  count(*) FILTER (WHERE started)::integer AS session_count,
  count(*) FILTER (WHERE status = 'completed')::integer AS completed_count,
  count(*) FILTER (WHERE status = 'error')::integer AS error_count,
  coalesce(sum(seconds), 0)::integer AS total_seconds,
  coalesce(sum(cost), 0)::text AS total_cost,
  least(coalesce(sum(words_spoken), 0), 2147483647)::integer AS words_spoken,
  least(coalesce(sum(messages_count), 0), 2147483647)::integer AS messages_count
FROM usage
GROUP BY GROUPING SETS ((), (avatar_name), (day))
HAVING grouping(avatar_name) = 1 AND grouping(day) = 1 OR count(*) FILTER (WHERE started) > 0 OR sum(seconds) > 0
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
