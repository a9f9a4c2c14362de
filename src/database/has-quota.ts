import type pg from 'pg';

/** Whether the user has a quota of any month. */
export async function hasQuota(pool: pg.Pool, userId: string): Promise<boolean> {
  const { rowCount } = await pool.query('SELECT FROM usage_quotas WHERE user_id = $1 LIMIT 1', [userId]);
  return rowCount === 1;
}
