import type pg from 'pg';
import type { Config } from '../src/config.ts';
import { fillCalendar } from '../src/database/calendar.ts';
import { startEmbeddedPostgres } from '../src/database/embedded.ts';
import { migrate } from '../src/database/migrate.ts';
import { createPool } from '../src/database/pool.ts';

/** A command reads whole tables. */
const LONGEST_STATEMENT_SECONDS = 600;

export interface OpenDatabase extends AsyncDisposable {
  readonly pool: pg.Pool;
}

/** The database of the settings, for a command; the embedded one is joined, or started for the while. */
export async function openDatabase({ databaseUrl, dataDir, policy }: Config): Promise<OpenDatabase> {
  const embedded = databaseUrl === null ? await startEmbeddedPostgres({ dataDir }) : null;
  const url = databaseUrl ?? embedded?.url ?? '';
  if (embedded) await migrate(url);
  const pool = createPool({ url, size: 2, statementSeconds: LONGEST_STATEMENT_SECONDS, onError: () => {} });
  if (embedded) await fillCalendar(pool, policy.billingTimeZone, new Date());
  return {
    pool,
    async [Symbol.asyncDispose]() {
      await pool.end();
      await embedded?.stop();
    },
  };
}
