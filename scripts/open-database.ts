import type pg from 'pg';
import type { Config } from '../src/config.ts';
import { fillCalendar } from '../src/database/calendar.ts';
import { startEmbeddedPostgres } from '../src/database/embedded.ts';
import { isMigrated, migrate } from '../src/database/migrate.ts';
import { createPool } from '../src/database/pool.ts';

/** A command reads whole tables. */
const LONGEST_STATEMENT_SECONDS = 600;

export interface OpenDatabase extends AsyncDisposable {
  readonly pool: pg.Pool;
}

/**
 * The database of the settings, for a command; the embedded one is joined, or started for the while.
 *
 * @throws Error that says what to do, for a database that lacks migrations: a command applies none to it
 */
export async function openDatabase({ databaseUrl, dataDir, policy }: Config): Promise<OpenDatabase> {
  await using parts = new AsyncDisposableStack();
  const embedded = databaseUrl === null ? await startEmbeddedPostgres({ dataDir }) : null;
  parts.defer(() => embedded?.stop());
  const url = databaseUrl ?? embedded?.url ?? '';
  if (embedded) await migrate(url);
  const pool = createPool({ url, size: 2, statementSeconds: LONGEST_STATEMENT_SECONDS, onError: () => {} });
  parts.defer(() => pool.end());
  if (embedded) await fillCalendar(pool, policy.billingTimeZone, new Date());
  else if (!(await isMigrated(pool))) {
    throw new Error(
      'this database lacks migrations of this version. Start the service on it once (npm start): it applies them.',
    );
  }
  const open = parts.move();
  return { pool, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
