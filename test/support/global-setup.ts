import { rm } from 'node:fs/promises';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { createDataDirectory, removeAbandonedDirectories } from './data-directory.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Superuser's URL of the run's server, its path naming the template database that every migration went into. */
    templateDatabaseUrl: string;
  }
}

/** Starts one PostgreSQL for the run, with a migrated database for the tests to clone. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  await removeAbandonedDirectories();
  const dataDir = await createDataDirectory();
  const postgres = await startEmbeddedPostgres({
    dataDir,
    databaseName: 'avatar_quota_template',
    // Faster, and nothing here outlives the run.
    flags: ['-c fsync=off', '-c synchronous_commit=off', '-c full_page_writes=off', '-c max_connections=200'],
  });
  const tearDown = async () => {
    await postgres.stop();
    await rm(dataDir, { recursive: true });
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
}

/** A database can be cloned only while no one is connected to it. */
async function closeTemplate(templateUrl: string): Promise<void> {
  const admin = new pg.Client({ connectionString: new URL('/postgres', templateUrl).href });
  await admin.connect();
  await admin.query('ALTER DATABASE avatar_quota_template IS_TEMPLATE true ALLOW_CONNECTIONS false');
  await admin.end();
}
