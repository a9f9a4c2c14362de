import type pg from 'pg';
import type { Config } from '../src/config.ts';
import { hasCalendar } from '../src/database/calendar.ts';
import { hasEmbeddedData, startEmbeddedPostgres } from '../src/database/embedded.ts';
import { isMigrated } from '../src/database/migrate.ts';
import { createPool } from '../src/database/pool.ts';

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
  const url = databaseUrl ?? (await openEmbedded(dataDir, parts));
  const pool = createPool({ url, size: 2, statementSeconds: LONGEST_STATEMENT_SECONDS, onError: () => {} });
  parts.defer(() => pool.end());
  const connection = await pool.connect().catch((error: unknown) => {
    throw databaseUrl === null ? error : new Error(describeUnreachable(databaseUrl, error), { cause: error });
  });
  connection.release();
  if (!((await isMigrated(pool)) && (await hasCalendar(pool)))) {
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

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host not found',
};

/** Names the setting and the server. Leaves out the credentials, which an address may have. */
function describeUnreachable(databaseUrl: string, error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const reason = UNREACHABLE[code] ?? message;
  return `Cannot connect to PostgreSQL at ${new URL(databaseUrl).host} (DATABASE_URL): ${reason}.`;
}
