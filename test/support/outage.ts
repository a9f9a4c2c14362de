import pg from 'pg';
import type { TestDatabase } from './database.ts';

/** Cuts every connection to the database and lets none be made, until it is disposed. */
export async function cutOff({ url }: Pick<TestDatabase, 'url'>): Promise<AsyncDisposable> {
  const name = pg.escapeIdentifier(new URL(url).pathname.slice(1));
  const admin = new pg.Client({ connectionString: new URL('/postgres', url).href });
  await admin.connect();
  await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  await admin.query('SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1', [
    new URL(url).pathname.slice(1),
  ]);
  return {
    async [Symbol.asyncDispose]() {
      await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
      await admin.end();
    },
  };
}
