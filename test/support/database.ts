import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
  readonly url: string;
  /** Runs one statement, or several without parameters, on a connection of its own. */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(sql: string, parameters?: unknown[]): Promise<Row[]>;
  /** Drops the database, cutting the connections that are left. */
  drop(): Promise<void>;
}

interface TestDatabaseOptions {
  /** Default time zone of the database's sessions. @default the server's, that of the machine */
  readonly timeZone?: string;
  /** `false` gives an empty database. @default true */
  readonly migrated?: boolean;
}

/**
 * Clones the migrated template, which takes milliseconds. Drop it in `afterAll`, or write
 * `await using database = await createTestDatabase()`.
 */
export async function createTestDatabase({
  timeZone,
  migrated = true,
}: TestDatabaseOptions = {}): Promise<TestDatabase & AsyncDisposable> {
  const templateUrl = inject('templateDatabaseUrl');
  const adminUrl = new URL('/postgres', templateUrl).href;
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const template = migrated ? 'avatar_quota_template' : 'template1';
  // The default strategy writes every page to the write-ahead log, which takes five times as long.
  await runOn(adminUrl, `CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`);
  if (timeZone) await runOn(adminUrl, `ALTER DATABASE ${name} SET timezone = ${pg.escapeLiteral(timeZone)}`);

  const url = new URL(`/${name}`, templateUrl).href;
  const drop = async () => {
    await runOn(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  };
  return {
    url,
    query: async <Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]) =>
      (await runOn<Row>(url, sql, parameters)).rows,
    drop,
    [Symbol.asyncDispose]: drop,
  };
}

async function runOn<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  parameters?: unknown[],
): Promise<pg.QueryResult<Row>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query<Row>(sql, parameters);
  } finally {
    await client.end();
  }
}
