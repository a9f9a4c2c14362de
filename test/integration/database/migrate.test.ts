import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate } from '../../../src/database/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let directory: string;
let database: TestDatabase;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'avatar-quota-migrations-'));
  database = await createTestDatabase({ migrated: false });
});

afterEach(async () => {
  await database.drop();
  await rm(directory, { recursive: true });
});

async function writeMigration(name: string, sql: string): Promise<void> {
  await mkdir(join(directory, name), { recursive: true });
  await writeFile(join(directory, name, 'migration.sql'), sql);
}

test('applies migrations in the order of their names, each once', async () => {
  await writeMigration('2_fill', 'INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);');
  await writeMigration('1_create', 'CREATE TABLE a (id integer);');
  await writeFile(join(directory, 'migration_lock.toml'), 'provider = "postgresql"');

  expect(await migrate(database.url, directory)).toEqual({ applied: ['1_create', '2_fill'] });
  expect(await migrate(database.url, directory)).toEqual({ applied: [] });
  await writeMigration('3_more', 'INSERT INTO a VALUES (3);');
  expect(await migrate(database.url, directory)).toEqual({ applied: ['3_more'] });

  expect(await database.query('SELECT id FROM a ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
});

test('finds nothing to do without migrations', async () => {
  expect(await migrate(database.url, directory)).toEqual({ applied: [] });
});

test('lets processes that migrate at once take turns', async () => {
  await writeMigration('1_create', 'CREATE TABLE a (id integer); SELECT pg_sleep(0.1);');
  await writeMigration('2_fill', 'INSERT INTO a VALUES (1);');

  const results = await Promise.all(Array.from({ length: 4 }, () => migrate(database.url, directory)));

  expect(results.flatMap(({ applied }) => applied)).toEqual(['1_create', '2_fill']);
  expect(await database.query('SELECT id FROM a')).toEqual([{ id: 1 }]);
});

test('refuses a migration that was edited after it was applied', async () => {
  await writeMigration('1_create', 'CREATE TABLE a (id integer);');
  await migrate(database.url, directory);
  await writeMigration('1_create', 'CREATE TABLE a (id bigint);');
  await writeMigration('2_other', 'CREATE TABLE b ();');

  await expect(migrate(database.url, directory)).rejects.toThrow(/1_create was changed after .* Restore/);
  expect(await database.query(`SELECT to_regclass('b') AS b`)).toEqual([{ b: null }]);
});

test('refuses a database that a newer version has migrated', async () => {
  await writeMigration('1_create', 'CREATE TABLE a (id integer);');
  await writeMigration('2_newer', 'CREATE TABLE b ();');
  await migrate(database.url, directory);
  await rm(join(directory, '2_newer'), { recursive: true });

  await expect(migrate(database.url, directory)).rejects.toThrow(
    'The database has the migration 2_newer, which this version of Avatar Quota does not have. Run the version that applied it or a later one, or set DATABASE_URL to another database.',
  );
});

test('says what to do with the data of a pre-release', async () => {
  await writeMigration('20261124000100_tables', 'CREATE TABLE a (id integer);');
  await migrate(database.url, directory);
  await rm(join(directory, '20261124000100_tables'), { recursive: true });
  await writeMigration('20261124000000_baseline', 'CREATE TABLE a (id integer);');

  await expect(migrate(database.url, directory)).rejects.toThrow(
    'This data was written by a pre-release of Avatar Quota and cannot be upgraded. To start with empty data, delete the data directory (DATA_DIR, .data by default), or set DATABASE_URL to an empty database.',
  );
});

test('undoes a migration that fails, keeps those before it, and can be run again', async () => {
  await writeMigration('1_create', 'CREATE TABLE a (id integer);');
  await writeMigration('2_broken', 'CREATE TABLE b ();\n\nSELECT nothing;');

  await expect(migrate(database.url, directory)).rejects.toThrow(
    '2_broken failed at line 3 and was rolled back: column "nothing" does not exist',
  );
  expect(await database.query(`SELECT to_regclass('a')::text AS a, to_regclass('b')::text AS b`)).toEqual([
    { a: 'a', b: null },
  ]);

  await writeMigration('2_broken', 'CREATE TABLE b ();');
  expect(await migrate(database.url, directory)).toEqual({ applied: ['2_broken'] });
});

test('names the migration that has no script', async () => {
  await mkdir(join(directory, '1_empty'));

  await expect(migrate(database.url, directory)).rejects.toThrow('1_empty has no migration.sql');
});

test('does not depend on the time zone of the database', async () => {
  await using elsewhere = await createTestDatabase({ migrated: false, timeZone: 'Pacific/Chatham' });
  await writeMigration('1_create', `CREATE TABLE a AS SELECT '2026-01-01'::timestamptz AS at`);

  await migrate(elsewhere.url, directory);

  expect(await elsewhere.query('SELECT at FROM a')).toEqual([{ at: new Date('2026-01-01T00:00:00Z') }]);
});

test('applies every migration of this project', async () => {
  const names = await readdir(new URL('../../../prisma/migrations', import.meta.url));

  const { applied } = await migrate(database.url);

  expect(applied).toEqual(names.filter((name) => name !== 'migration_lock.toml').sort());
});
