import pg from 'pg';

interface PoolOptions {
  readonly url: string;
  readonly onError: (error: Error) => void;
  /** @default 10 */
  readonly size?: number;
  /** The longest that a statement may run. @default 5 */
  readonly statementSeconds?: number;
}

/** After this long without the answer that the statement's own limit forces, the network or the server is dead. */
const SILENCE_MS = 1_000;

/**
 * The node's connections, shared by the statements and Prisma.
 *
 * A call never waits for ever: a connection is given within three seconds or refused, a lock within one, no statement
 * runs longer than five, and a connection that stays silent even then is closed.
 */
export function createPool({ url, onError, size = 10, statementSeconds = 5 }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    connectionTimeoutMillis: 3_000,
    statement_timeout: statementSeconds * 1000,
    query_timeout: statementSeconds * 1000 + SILENCE_MS,
    lock_timeout: 1_000,
    keepAlive: true,
    application_name: 'avatar-quota',
    options: '-c timezone=UTC',
  });
  pool.on('error', onError);
  return pool;
}
