import type pg from 'pg';
import { nextPeriod, periodStart } from '../domain/period.ts';

const FIRST_PERIOD = '2020-01';
const LAST_PERIOD = '2099-12';

/**
 * Writes the months of the billing time zone into the database, whose statements read them there: it may know other
 * time zone data than this process. Months that are over stay as they were.
 */
export async function fillCalendar(pool: Pick<pg.Pool, 'query'>, billingTimeZone: string, now: Date): Promise<void> {
  const periods: string[] = [];
  for (let period = FIRST_PERIOD; period <= LAST_PERIOD; period = nextPeriod(period)) periods.push(period);
  const starts = [...periods, nextPeriod(LAST_PERIOD)].map((period) => periodStart(period, billingTimeZone));
  await pool.query(
    `INSERT INTO billing_periods (period, starts_at, ends_at)
    SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[])
    ON CONFLICT (period) DO UPDATE SET starts_at = EXCLUDED.starts_at, ends_at = EXCLUDED.ends_at
    WHERE billing_periods.ends_at > $4
      AND (billing_periods.starts_at, billing_periods.ends_at) <> (EXCLUDED.starts_at, EXCLUDED.ends_at)`,
    [periods, starts.slice(0, -1), starts.slice(1), now],
  );
}

/** Whether a service has ever written the calendar. */
export async function hasCalendar(pool: Pick<pg.Pool, 'query'>): Promise<boolean> {
  const { rowCount } = await pool.query('SELECT FROM billing_periods LIMIT 1');
  return rowCount === 1;
}
