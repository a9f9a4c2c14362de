import type pg from 'pg';
import type { Config } from '../src/config.ts';
import { awaitServer } from '../src/database/await-server.ts';
import { isMigrated } from '../src/database/migrate.ts';
import { createPool } from '../src/database/pool.ts';
import { hasEmbeddedData, startEmbeddedPostgres } from '../src/embedded-postgres/embedded-postgres.ts';

/** A command reads whole tables. */
const LONGEST_STATEMENT_SECONDS = 600;

export interface OpenDatabase extends AsyncDisposable {
  readonly pool: pg.Pool;
}

/**
 * Opens the database of the settings for a command. The embedded server is joined if it runs, or else started until the
 * command ends. Creates no database and applies no migrations.
 *
 * @throws Error that says what to do if there is no database, or none that the service of this version has prepared
 */
export async function openDatabase({
  databaseUrl,
  dataDir,
}: Pick<Config, 'databaseUrl' | 'dataDir'>): Promise<OpenDatabase> {
  await using parts = new AsyncDisposableStack();
  if (databaseUrl !== null) await awaitServer({ url: databaseUrl, patienceMs: 0 });
  const url = databaseUrl ?? (await openEmbedded(dataDir, parts));
  const pool = createPool({ url, size: 2, statementSeconds: LONGEST_STATEMENT_SECONDS, onError: () => {} });
  parts.defer(() => pool.end());
  if (!(await isMigrated(pool))) {
    const where = databaseUrl === null ? `The data in ${dataDir}` : 'The database in DATABASE_URL';
    throw new Error(`${where} is not ready for this version. Start the service once with npm start: it migrates it.`);
  }
  const open = parts.move();
  return { pool, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

async function openEmbedded(dataDir: string, parts: AsyncDisposableStack): Promise<string> {
  if (!(await hasEmbeddedData(dataDir))) {
    throw new Error(`No data in ${dataDir}. Start the service once with npm start, or set DATABASE_URL.`);
  }
  const embedded = await startEmbeddedPostgres({ dataDir });
  parts.defer(() => embedded.stop());
  return embedded.url;
}
