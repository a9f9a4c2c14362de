import type { TestDatabase } from './database.ts';

/** Every row of every table, as text: two dumps are equal if nothing was written in between. */
export async function dumpDatabase(database: Pick<TestDatabase, 'query'>): Promise<Record<string, string[]>> {
  const tables = await database.query<{ name: string }>(
    "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
  );
  const dump: Record<string, string[]> = {};
  for (const { name } of tables) {
    const rows = await database.query<{ row: string }>(`SELECT t::text AS row FROM ${name} AS t ORDER BY 1`);
    dump[name] = rows.map(({ row }) => row);
  }
  return dump;
}
