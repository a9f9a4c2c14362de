import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Superuser's URL of the run's server, its path naming the template database that every migration went into. */
    templateDatabaseUrl: string;
  }
}

/** Starts one PostgreSQL for the run, with a migrated database for the tests to clone. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'avatar-quota-test-'));
  const removeData = () => rm(dataDir, { recursive: true, force: true });
  try {
    const postgres = await startEmbeddedPostgres({
      dataDir,
      databaseName: 'avatar_quota_template',
      // Faster, and nothing here outlives the run.
      flags: ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=200'].map(
        (flag) => `-c ${flag}`,
      ),
    });
    const tearDown = async () => {
      await postgres.stop();
      await removeData();
    };
    try {
      await migrate(postgres.url);
      await closeTemplate(postgres.url);
    } catch (error) {
      await tearDown();
      throw error;
    }
    project.provide('templateDatabaseUrl', postgres.url);
    return tearDown;
  } catch (error) {
    await removeData();
    throw error;
  }
}

/** A database can be cloned only while no one is connected to it. */
async function closeTemplate(templateUrl: string): Promise<void> {
  const admin = new pg.Client({ connectionString: new URL('/postgres', templateUrl).href });
  await admin.connect();
  await admin.query('ALTER DATABASE avatar_quota_template IS_TEMPLATE true ALLOW_CONNECTIONS false');
  await admin.end();
}
