import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { migrate } from '../../../src/database/migrate.ts';
import { createTestDatabase } from '../../support/database.ts';
import { withSchemaEngine } from '../../support/schema-engine.ts';

const DIRECTORY = new URL('../../../prisma/migrations/', import.meta.url);
const NO_FILTERS = { externalTables: [], externalEnums: [] };

async function listMigrations() {
  const names = (await readdir(DIRECTORY)).filter((name) => name !== 'migration_lock.toml').sort();
  const read = (path: string) => readFile(new URL(path, DIRECTORY), 'utf8');
  return {
    baseDir: DIRECTORY.pathname,
    lockfile: { path: 'migration_lock.toml', content: await read('migration_lock.toml') },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(
      names.map(async (name) => ({
        path: name,
        migrationFile: {
          path: 'migration.sql',
          content: { tag: 'ok' as const, value: await read(`${name}/migration.sql`) },
        },
      })),
    ),
  };
}

test('`prisma migrate deploy` finds what we migrated up to date', async () => {
  await using database = await createTestDatabase();
  const migrationsList = await listMigrations();

  await withSchemaEngine(database.url, async (engine) => {
    expect(
      await engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: false, filters: NO_FILTERS }),
    ).toEqual({ editedMigrationNames: [], failedMigrationNames: [], hasMigrationsTable: true, history: null });
    expect(await engine.applyMigrations({ migrationsList, filters: NO_FILTERS })).toEqual({
      appliedMigrationNames: [],
    });
  });
});

test('we find what `prisma migrate deploy` migrated up to date, in a table of the same shape', async () => {
  await using ours = await createTestDatabase();
  await using theirs = await createTestDatabase({ migrated: false });
  const migrationsList = await listMigrations();
  await withSchemaEngine(theirs.url, (engine) => engine.applyMigrations({ migrationsList, filters: NO_FILTERS }));

  expect(await migrate(theirs.url)).toEqual({ applied: [] });

  const shape = `
    SELECT column_name, udt_name, character_maximum_length, is_nullable, column_default
    FROM information_schema.columns WHERE table_name = '_prisma_migrations' ORDER BY ordinal_position`;
  expect(await ours.query(shape)).toEqual(await theirs.query(shape));
  const content = `
    SELECT migration_name, checksum, applied_steps_count, finished_at >= started_at AS finished, rolled_back_at
    FROM "_prisma_migrations" ORDER BY migration_name`;
  expect(await ours.query(content)).toEqual(await theirs.query(content));
});
