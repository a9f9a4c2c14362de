import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { messageOf } from '../domain/message-of.ts';

/** The advisory lock that `prisma migrate deploy` takes, so that its runs and ours never overlap. */
const MIGRATION_LOCK = 72_707_369;

/** How long to wait for another process that is migrating, in seconds. */
const LOCK_WAIT_SECONDS = 120;

const DEFAULT_DIRECTORY = fileURLToPath(new URL('../../prisma/migrations/', import.meta.url));

/** Prisma's own bookkeeping table, column for column. */
const CREATE_BOOKKEEPING = `
  CREATE TABLE "_prisma_migrations" (
    "id"                  varchar(36)  PRIMARY KEY NOT NULL,
    "checksum"            varchar(64)  NOT NULL,
    "finished_at"         timestamptz,
    "migration_name"      varchar(255) NOT NULL,
    "logs"                text,
    "rolled_back_at"      timestamptz,
    "started_at"          timestamptz  NOT NULL DEFAULT now(),
    "applied_steps_count" integer      NOT NULL DEFAULT 0
  )`;

const RECORD_MIGRATION = `
  INSERT INTO "_prisma_migrations" ("id", "checksum", "migration_name", "started_at", "finished_at", "applied_steps_count")
  VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`;

/** Before the baseline, the tables had other migrations, all of one day. None of them was released. */
const PRERELEASE_MIGRATIONS = '20261124000';

type Queryable = pg.Pool | pg.Client;

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/**
 * Applies the migrations that the database does not have yet, in the order of their names, and returns the names of those
 * it applied. Does what `prisma migrate deploy` does, without the engine it downloads, and keeps the same books: either
 * may follow the other. Two differences: each migration runs in a transaction, so a failed one leaves nothing behind, and
 * a migration that was edited after it was applied is an error.
 *
 * Processes that call this at once take turns; all but the first find nothing to do.
 * @param directory @default prisma/migrations of this project
 * @throws Error that names the migration and says what to do
 */
export async function migrate(connectionUrl: string, directory = DEFAULT_DIRECTORY): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(directory);
  const client = new pg.Client({
    connectionString: connectionUrl,
    application_name: 'avatar-quota migrate',
    connectionTimeoutMillis: 10_000,
    // A migration may take its time, and what it writes must not depend on the database's time zone.
    options: `-c timezone=UTC -c statement_timeout=0 -c lock_timeout=${LOCK_WAIT_SECONDS}s`,
  });
  await client.connect();
  try {
    await lock(client);
    // `CREATE TABLE IF NOT EXISTS` would demand the right to create even where the table exists.
    if (!(await hasBookkeeping(client))) await client.query(CREATE_BOOKKEEPING);
    const pending = await findPending(client, migrations);
    for (const migration of pending) await apply(client, migration);
    return { applied: pending.map(({ name }) => name) };
  } finally {
    await client.end(); // which also releases the lock
  }
}

/** Whether the database has every migration. Writes nothing. */
export async function isMigrated(database: Queryable): Promise<boolean> {
  if (!(await hasBookkeeping(database))) return false;
  return (await findPending(database, await readMigrations(DEFAULT_DIRECTORY))).length === 0;
}

async function readMigrations(directory: string): Promise<Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  // By code unit, as Prisma sorts them: a locale would order `_` and digits its own way.
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return await Promise.all(
    names.sort().map(async (name) => {
      const content = await readFile(join(directory, name, 'migration.sql')).catch((cause) => {
        throw new Error(`The migration ${name} has no migration.sql that can be read.`, { cause });
      });
      return { name, sql: content.toString('utf8'), checksum: createHash('sha256').update(content).digest('hex') };
    }),
  );
}

async function lock(client: pg.Client): Promise<void> {
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && error.code === '55P03')) throw error;
    throw new Error(
      `Another process has been migrating this database for ${LOCK_WAIT_SECONDS} seconds. Wait for it to finish, then start again.`,
      { cause: error },
    );
  }
}

async function hasBookkeeping(database: Queryable): Promise<boolean> {
  const { rows } = await database.query(`SELECT to_regclass('"_prisma_migrations"') AS "table"`);
  return rows[0].table !== null;
}

async function findPending(database: Queryable, migrations: readonly Migration[]): Promise<Migration[]> {
  const { rows } = await database.query<{ migration_name: string; checksum: string; finished: boolean }>(`
    SELECT "migration_name", "checksum", "finished_at" IS NOT NULL AS "finished"
    FROM "_prisma_migrations" WHERE "rolled_back_at" IS NULL`);
  const failed = rows.find(({ finished }) => !finished);
  if (failed) {
    throw new Error(
      `The migration ${failed.migration_name} was begun by Prisma and failed. Repair the database, then run \`prisma migrate resolve\`.`,
    );
  }

  const names = new Set(migrations.map(({ name }) => name));
  const unknown = rows.find((row) => !names.has(row.migration_name));
  if (unknown?.migration_name.startsWith(PRERELEASE_MIGRATIONS)) {
    throw new Error(
      'This data was written by a pre-release of Avatar Quota and cannot be upgraded. To start with empty data, delete the data directory (DATA_DIR, .data by default), or set DATABASE_URL to an empty database.',
    );
  }
  if (unknown) {
    throw new Error(
      `The database has the migration ${unknown.migration_name}, which this version of Avatar Quota does not have. Run the version that applied it or a later one, or set DATABASE_URL to another database.`,
    );
  }

  const checksums = new Map(rows.map((row) => [row.migration_name, row.checksum]));
  const edited = migrations.find(({ name, checksum }) => checksums.has(name) && checksums.get(name) !== checksum);
  if (edited) {
    throw new Error(
      `The migration ${edited.name} was changed after this database had applied it. Restore its migration.sql and put the change into a new migration.`,
    );
  }
  return migrations.filter(({ name }) => !checksums.has(name));
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(migration.sql);
    await client.query(RECORD_MIGRATION, [randomUUID(), migration.checksum, migration.name]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw new Error(
      `The migration ${migration.name} failed${lineOf(migration.sql, error)} and was rolled back: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** PostgreSQL reports the position as a count of characters from the start of the script. */
function lineOf(sql: string, error: unknown): string {
  if (!(error instanceof pg.DatabaseError) || error.position === undefined) return '';
  return ` at line ${sql.slice(0, Number(error.position)).split('\n').length}`;
}
