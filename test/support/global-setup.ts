import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/database/migrate.ts';
import { joinServer, startEmbeddedServer } from './test-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Superuser's URL of the run's server, its path naming the template database that every migration went into. */
    templateDatabaseUrl: string;
  }
}

/** Starts one PostgreSQL for the run, with a migrated database for the tests to clone. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const otherServer = process.env.TEST_POSTGRES_URL;
  const server = otherServer ? await joinServer(otherServer) : await startEmbeddedServer();
  try {
    await migrate(server.templateUrl);
    await closeTemplate(server.templateUrl);
  } catch (error) {
    await server.stop();
    throw error;
  }
  project.provide('templateDatabaseUrl', server.templateUrl);
  return server.stop;
}

/** A database can be cloned only while no one is connected to it. */
async function closeTemplate(templateUrl: string): Promise<void> {
  const admin = new pg.Client({ connectionString: new URL('/postgres', templateUrl).href });
  await admin.connect();
  await admin.query('ALTER DATABASE avatar_quota_template IS_TEMPLATE true ALLOW_CONNECTIONS false');
  await admin.end();
}
