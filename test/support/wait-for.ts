import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/** Asks until the answer is yes, every few milliseconds. What never comes is the test's timeout. */
export async function waitFor(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5);
}

/** Waits until this many statements on the pool's database wait for a lock. */
export async function waitForBlocked(pool: pg.Pool, statements = 1): Promise<void> {
  await waitFor(async () => {
    const { rows } = await pool.query<{ blocked: number }>(
      `SELECT count(*)::integer AS blocked FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return (rows[0]?.blocked ?? 0) >= statements;
  });
}
