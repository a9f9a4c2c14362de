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
