import type pg from 'pg';
import type { Config } from '../config.ts';
import { openAccount } from '../database/account.ts';
import { fillCalendar } from '../database/calendar.ts';
import { startEmbeddedPostgres } from '../database/embedded.ts';
import { migrate } from '../database/migrate.ts';
import { createPool } from '../database/pool.ts';
import type { Clock } from '../domain/clock.ts';

export interface ConnectedDatabase {
  readonly url: string;
  readonly pool: pg.Pool;
}

/** The database of the settings, or the embedded one: migrated, with its calendar. */
export async function openDatabase(
  config: Config,
  clock: Clock,
  onError: (error: unknown) => void,
  parts: AsyncDisposableStack,
): Promise<ConnectedDatabase> {
  const url = config.databaseUrl ?? (await embeddedDatabase(config, parts));
  await migrate(url);
  const pool = createPool({ url, onError });
  parts.defer(() => pool.end());
  await fillCalendar(pool, config.policy.billingTimeZone, clock());
  await openAccount(pool, config.policy);
  return { url, pool };
}

async function embeddedDatabase({ dataDir }: Config, parts: AsyncDisposableStack): Promise<string> {
  const postgres = await startEmbeddedPostgres({ dataDir });
  parts.defer(() => postgres.stop());
  return postgres.url;
}
