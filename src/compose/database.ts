import type pg from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { openAccount } from '../database/account.ts';
import { awaitServer, explainedFor } from '../database/await-server.ts';
import { migrate } from '../database/migrate.ts';
import { createPool } from '../database/pool.ts';
import { startEmbeddedPostgres } from '../embedded-postgres/embedded-postgres.ts';

/** How long the start waits for a database server that is starting as well. */
const PATIENCE_MS = 30_000;

export interface ConnectedDatabase {
  readonly url: string;
  readonly pool: pg.Pool;
}

interface DatabaseOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly onError: (error: unknown) => void;
  /** Abandons the start: the promise rejects with its reason. */
  readonly signal: AbortSignal;
}

/** The database of the settings, or the embedded one: migrated. */
export async function openDatabase(options: DatabaseOptions, parts: AsyncDisposableStack): Promise<ConnectedDatabase> {
  const { config, onError, signal } = options;
  const url = config.databaseUrl ?? (await embeddedDatabase(config, parts));
  if (config.databaseUrl !== null) await awaitDatabase(config.databaseUrl, options);
  const pool = createPool({ url, onError });
  parts.defer(() => pool.end());
  try {
    await migrate(url);
    await openAccount(pool, config.policy);
  } catch (error) {
    throw config.databaseUrl === null ? error : explainedFor(url, error);
  }
  signal.throwIfAborted();
  return { url, pool };
}

function awaitDatabase(url: string, { log, signal }: DatabaseOptions): Promise<void> {
  const onWait = (server: string, reason: string) => log.warn({ reason }, `Waiting for PostgreSQL at ${server}`);
  return awaitServer({ url, patienceMs: PATIENCE_MS, onWait, signal });
}

async function embeddedDatabase({ dataDir }: Config, parts: AsyncDisposableStack): Promise<string> {
  const postgres = await startEmbeddedPostgres({ dataDir });
  parts.defer(() => postgres.stop());
  return postgres.url;
}
