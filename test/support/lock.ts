import type pg from 'pg';

/** A lock that keeps others waiting until it is disposed: a pause point for races. */
export interface HeldLock extends AsyncDisposable {
  readonly release: () => Promise<void>;
}

/** Locks what the statement selects, on a connection of its own: `SELECT … FOR UPDATE`. */
export async function holdLock(pool: pg.Pool, select: string, parameters: unknown[] = []): Promise<HeldLock> {
  const client = await pool.connect();
  await client.query('BEGIN');
  await client.query(select, parameters);
  let held = true;
  const release = async () => {
    if (!held) return;
    held = false;
    await client.query('COMMIT');
    client.release();
  };
  return { release, [Symbol.asyncDispose]: release };
}

/** Locks a user: whatever is decided about the user by then is saved after the release. */
export function lockUser({ pool }: { readonly pool: pg.Pool }, userId = 'ann'): Promise<HeldLock> {
  return holdLock(pool, 'SELECT FROM quota_users WHERE user_id = $1 FOR UPDATE', [userId]);
}
