import pg from 'pg';

interface PoolOptions {
  readonly url: string;
  readonly onError: (error: Error) => void;
  /** @default 10 */
  readonly size?: number;
}

/**
 * The node's connections, shared by the statements and Prisma.
 *
 * A call never waits for ever: a connection is given within three seconds or refused, a lock within one, and no
 * statement runs longer than ten.
 */
export function createPool({ url, onError, size = 10 }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    connectionTimeoutMillis: 3_000,
    statement_timeout: 10_000,
    lock_timeout: 1_000,
    keepAlive: true,
    application_name: 'avatar-quota',
    options: '-c timezone=UTC',
  });
  pool.on('error', onError);
  return pool;
}
