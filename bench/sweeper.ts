import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { createDueWork } from '../src/database/due-work.ts';
import { createPostgresEvents } from '../src/live/postgres-events.ts';
import { startSweeper } from '../src/live/sweeper.ts';
import { DEFAULT_POLICY } from '../test/support/policy.ts';
import type { Benchmark } from './benchmark.ts';

const OPEN_SESSIONS = 100_000;
const DUE_SESSIONS = 10_000;
const DUE_WITHIN_SECONDS = 20;
const IDLE_SECONDS = 15;

/** 100,000 open sessions: how late the sweeper is when 500 fall due each second, and what it costs when nothing does. */
export const benchSweeper: Benchmark = async ({ pool, url }) => {
  await insertSessions(pool);
  const clock = () => new Date();
  const work = createDueWork({ pool, policy: DEFAULT_POLICY, vendorName: 'none', clock });
  const start = Date.now() + 5_000;
  const connection = await pool.connect();
  await connection.query('SET statement_timeout = 0');
  await connection.query(
    `UPDATE avatar_usage_records AS r
    SET expires_at = due.at, due_at = due.at, created_at = due.at, ending_notice = 15
    FROM (
      SELECT id, $1::timestamptz + make_interval(secs => row_number() OVER () * $2::float8) AS at
      FROM avatar_usage_records WHERE user_id LIKE 'sweep-%' AND status = 'active' LIMIT $3
    ) AS due
    WHERE r.id = due.id`,
    [new Date(start), DUE_WITHIN_SECONDS / DUE_SESSIONS, DUE_SESSIONS],
  );
  await connection.query(
    `UPDATE quota_users AS u SET due_at = r.due_at
    FROM avatar_usage_records AS r WHERE r.user_id = u.user_id AND r.due_at < $1`,
    [new Date(start + DUE_WITHIN_SECONDS * 1000 + 1000)],
  );
  connection.release(true);

  let wake = (_at: Date) => {};
  const events = await createPostgresEvents({
    url,
    onDue: (at) => wake(at),
    onQuotaThreshold: () => {},
    onAccountThreshold: () => {},
    onConnectionError: () => {},
  });
  const sweeper = startSweeper({
    work,
    deliverStops: async () => 0,
    heartbeatLapseSeconds: 90,
    clock,
    onError: (error) => {
      throw error;
    },
  });
  wake = sweeper.wake;
  await sleep(start - Date.now() + (DUE_WITHIN_SECONDS + 3) * 1000);
  const { rows } = await pool.query<{ settled: string; median: number; p99: number }>(
    `SELECT count(*) AS settled,
      percentile_cont(0.5) WITHIN GROUP (ORDER BY late) AS median, percentile_cont(0.99) WITHIN GROUP (ORDER BY late) AS p99
    FROM (
      SELECT extract(epoch FROM updated_at - created_at) * 1000 AS late
      FROM avatar_usage_records WHERE end_reason = 'deadline_reached' AND user_id LIKE 'sweep-%'
    ) AS settled`,
  );

  const before = process.cpuUsage();
  const commitsBefore = await commits(pool);
  await sleep(IDLE_SECONDS * 1000);
  const { user, system } = process.cpuUsage(before);
  const committed = (await commits(pool)) - commitsBefore;
  await sweeper.stop();
  await events.close();

  const idle = ((user + system) / 1e6 / IDLE_SECONDS) * 100;
  return [
    [
      'open sessions',
      OPEN_SESSIONS.toLocaleString('en'),
      `${rows[0]?.settled} of them fell due within ${DUE_WITHIN_SECONDS} s`,
    ],
    ['lateness, median', `${rows[0]?.median.toFixed(0)} ms`, ''],
    ['lateness, p99', `${rows[0]?.p99.toFixed(0)} ms`, 'the promise: under 1,000 ms'],
    ['while nothing falls due', `${idle.toFixed(2)} %`, 'of a core in this process; the promise: under 5 %'],
    ['transactions meanwhile', committed.toString(), `in ${IDLE_SECONDS} s`],
  ];
};

/** Transactions that the database has committed. */
async function commits(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ commits: string }>(
    'SELECT xact_commit AS commits FROM pg_stat_database WHERE datname = current_database()',
  );
  return Number(rows[0]?.commits);
}

/** Running sessions of as many users, each with its quota and its hold in the ledger, that end in half an hour. */
async function insertSessions(pool: pg.Pool): Promise<void> {
  const period = new Date().toISOString().slice(0, 7);
  const connection = await pool.connect();
  try {
    await connection.query('SET statement_timeout = 0');
    for (const statement of [
      `INSERT INTO usage_quotas (user_id, current_month, held_seconds, held_cost, session_count, version)
      SELECT 'sweep-' || n, $1, 1800, 15, 1, 1 FROM generate_series(1, $2::integer) AS n`,
      `INSERT INTO avatar_usage_records
        (user_id, session_id, status, billing_period, quota_period, fallback_price, price_per_minute, grant_seconds,
         vendor_cap_seconds, held_seconds, held_cost, session_started_at, counted_from, expires_at, due_at)
      SELECT 'sweep-' || n, 'chat', 'active', $1, $1, 0.5, 0.5, 1800, 1800, 1800, 15, now(), now(),
        now() + interval '30 minutes', now() + interval '29 minutes'
      FROM generate_series(1, $2::integer) AS n`,
      `INSERT INTO quota_ledger (user_id, period, record_id, entry, held_seconds, held_cost, reason, actor)
      SELECT user_id, quota_period, id, 'hold', held_seconds, held_cost, 'token_created', user_id
      FROM avatar_usage_records WHERE user_id LIKE 'sweep-%' AND billing_period = $1 AND $2::integer > 0`,
      `INSERT INTO quota_users (user_id, revision, due_at)
      SELECT user_id, 1, due_at FROM avatar_usage_records
      WHERE user_id LIKE 'sweep-%' AND billing_period = $1 AND $2::integer > 0`,
    ]) {
      await connection.query(statement, [period, OPEN_SESSIONS]);
    }
    await connection.query('ANALYZE');
  } finally {
    connection.release(true);
  }
}
