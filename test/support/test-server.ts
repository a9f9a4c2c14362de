import { rm } from 'node:fs/promises';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { createDataDirectory, removeAbandonedDirectories } from './data-directory.ts';

const TEMPLATE = 'avatar_quota_template';

export interface TestServer {
  /** Superuser's URL, its path naming an empty database that is to become the template. */
  readonly templateUrl: string;
  stop(): Promise<void>;
}

/** The embedded PostgreSQL, tuned for tests: faster, and nothing outlives the run. */
export async function startEmbeddedServer(): Promise<TestServer> {
  await removeAbandonedDirectories();
  const dataDir = await createDataDirectory();
  const postgres = await startEmbeddedPostgres({
    dataDir,
    databaseName: TEMPLATE,
    flags: ['-c fsync=off', '-c synchronous_commit=off', '-c full_page_writes=off', '-c max_connections=200'],
  });
  return {
    templateUrl: postgres.url,
    async stop() {
      await postgres.stop();
      await rm(dataDir, { recursive: true });
    },
  };
}

/** Another PostgreSQL, such as an older version: `TEST_POSTGRES_URL` of a superuser, with 200 connections. */
export async function joinServer(url: string): Promise<TestServer> {
  const admin = new pg.Client({ connectionString: new URL('/postgres', url).href });
  await admin.connect();
  const dropTemplate = async () => {
    await admin.query(`UPDATE pg_database SET datistemplate = false WHERE datname = $1`, [TEMPLATE]);
    await admin.query(`DROP DATABASE IF EXISTS ${TEMPLATE} WITH (FORCE)`);
  };
  await dropTemplate();
  await admin.query(`CREATE DATABASE ${TEMPLATE}`);
  return {
    templateUrl: new URL(`/${TEMPLATE}`, url).href,
    async stop() {
      await dropTemplate();
      await admin.end();
    },
  };
}
