import { expect, test } from 'vitest';
import { createTestDatabase } from '../../support/database.ts';
import { diffWithSchema } from '../../support/schema-engine.ts';

test('the migrated database and schema.prisma agree', async () => {
  await using database = await createTestDatabase();

  expect(await diffWithSchema(database.url)).toBe('');
});

test('the comparison sees every way in which a database can differ', async () => {
  await using database = await createTestDatabase();
  await database.query(`
    CREATE TABLE stray_table (id integer PRIMARY KEY);
    CREATE TYPE stray_enum AS ENUM ('a');
    DROP TABLE vendor_stops;
    ALTER TYPE usage_status ADD VALUE 'stray_value';
    ALTER TYPE quota_limit RENAME VALUE 'cost' TO 'euros';
    ALTER TABLE usage_quotas
      ADD stray_column text,
      ALTER session_count TYPE bigint,
      ALTER used_cost TYPE numeric(10, 2),
      ALTER last_reset_at TYPE timestamptz,
      ALTER held_cost DROP NOT NULL,
      ALTER next_threshold_at SET NOT NULL,
      ALTER held_seconds DROP DEFAULT,
      ALTER monthly_limit_minutes SET DEFAULT 61;
    CREATE UNIQUE INDEX stray_key ON usage_quotas (id, version);
    CREATE INDEX stray_index ON usage_quotas (session_count);
    ALTER TABLE quota_ledger ALTER id DROP IDENTITY;
    ALTER TABLE quota_alerts DROP CONSTRAINT quota_alerts_pkey;
    ALTER TABLE avatar_usage_records
      DROP words_spoken,
      DROP CONSTRAINT avatar_usage_records_avatar_session_id_key;
    DROP INDEX avatar_usage_records_token_hash_idx;
  `);

  expect(await diffWithSchema(database.url)).toMatchInlineSnapshot(`
    "
    [+] Added tables
      - vendor_stops

    [-] Removed enums
      - stray_enum

    [-] Removed tables
      - stray_table

    [*] Changed the \`quota_limit\` enum
      [+] Added variant \`cost\`
      [-] Removed variant \`euros\`

    [*] Changed the \`usage_status\` enum
      [-] Removed variant \`stray_value\`

    [*] Changed the \`avatar_usage_records\` table
      [+] Added column \`words_spoken\`
      [+] Added unique index on columns (avatar_session_id)
      [+] Added index on columns (token_hash)

    [*] Changed the \`quota_alerts\` table
      [+] Added primary key on columns (user_id, period, quota_limit, threshold_percent)
    )

    [*] Changed the \`quota_ledger\` table
      [*] Altered column \`id\` (column became autoincrementing)

    [*] Changed the \`usage_quotas\` table
      [-] Removed index on columns (session_count)
      [-] Removed unique index on columns (id, version)
      [-] Removed column \`stray_column\`
      [*] Altered column \`monthly_limit_minutes\` (default changed from \`Some(Value(Int(61)))\` to \`Some(Value(Int(60)))\`)
      [*] Altered column \`used_cost\` (type changed)
      [*] Altered column \`held_seconds\` (default changed from \`None\` to \`Some(Value(Int(0)))\`)
      [*] Altered column \`held_cost\` (changed from Nullable to Required)
      [*] Altered column \`session_count\` (type changed)
      [*] Altered column \`next_threshold_at\` (changed from Required to Nullable)
      [*] Altered column \`last_reset_at\` (type changed)

    [*] Changed the \`vendor_stops\` table
      [+] Added foreign key on columns (record_id)
    "
  `);
});
