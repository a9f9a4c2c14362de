import { readFile } from 'node:fs/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import { SchemaEngine } from '@prisma/schema-engine-wasm';
import pg from 'pg';

/**
 * Runs Prisma's schema engine on the database of the URL: as a WebAssembly module, for want of the program that the
 * Prisma command line downloads.
 */
export async function withSchemaEngine<T>(url: string, use: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  const pool = new pg.Pool({ connectionString: url });
  try {
    const { path, content } = await readSchema();
    const adapter = bindMigrationAwareSqlAdapterFactory(createCatalogAdapter(pool));
    return await use(await SchemaEngine.new({ datamodels: [[path, content]] }, () => {}, adapter));
  } finally {
    await pool.end();
  }
}

/** What `prisma migrate diff` says about the way from the database to prisma/schema.prisma; empty if they agree. */
export async function diffWithSchema(url: string): Promise<string> {
  const files = [await readSchema()];
  const { exitCode, stdout } = await withSchemaEngine(url, (engine) =>
    engine.diff({
      from: { tag: 'schemaDatasource', files, configDir: '' },
      to: { tag: 'schemaDatamodel', files },
      script: false,
      exitCode: true,
      filters: { externalTables: ['public._prisma_migrations'], externalEnums: [] },
    }),
  );
  return exitCode === 0 ? '' : (stdout ?? '');
}

async function readSchema(): Promise<{ path: string; content: string }> {
  const path = 'prisma/schema.prisma';
  return { path, content: await readFile(new URL(`../../${path}`, import.meta.url), 'utf8') };
}

const CHAR = 18;
const CHAR_ARRAY = 1002;

/**
 * The engine reads PostgreSQL's catalogs, whose type "char" `@prisma/adapter-pg` refuses, as it does others of the
 * catalogs (prisma/orm#27403). So "char" goes through the adapter as an array and is called a character after it.
 */
function createCatalogAdapter(pool: pg.Pool) {
  const query = pool.query.bind(pool) as (sql: pg.QueryArrayConfig | string) => Promise<pg.QueryArrayResult>;
  Object.assign(pool, {
    query: async (config: pg.QueryArrayConfig) => {
      const result = await query(config);
      for (const field of result.fields) if (field.dataTypeID === CHAR) field.dataTypeID = CHAR_ARRAY;
      return result;
    },
  });
  const connect = async () => {
    const adapter = await new PrismaPg(pool).connect();
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (sql) => {
      const result = await queryRaw(sql);
      const columnTypes = result.columnTypes.map((type) =>
        type === ColumnTypeEnum.CharacterArray ? ColumnTypeEnum.Character : type,
      );
      return { ...result, columnTypes };
    };
    // The adapter's own splits a script at every semicolon, also at those in comments and functions.
    adapter.executeScript = async (script) => {
      await query(script);
    };
    return adapter;
  };
  return { provider: 'postgres', adapterName: 'catalog', connect, connectToShadowDb: connect } as const;
}
