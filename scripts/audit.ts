import pg from 'pg';
import { ConfigError, loadConfig } from '../src/config.ts';
import { auditBooks } from '../src/database/audit.ts';
import { startEmbeddedPostgres } from '../src/database/embedded.ts';
import { migrate } from '../src/database/migrate.ts';

/** `npm run audit`: recomputes every quota and prints what does not balance. Exit code 1 if anything. */
async function audit(): Promise<number> {
  const { databaseUrl, dataDir } = loadConfig(process.env);
  const embedded = databaseUrl === null ? await startEmbeddedPostgres({ dataDir }) : null;
  const url = databaseUrl ?? embedded?.url ?? '';
  const client = new pg.Client({ connectionString: url });
  try {
    if (embedded) await migrate(url);
    await client.connect();
    const imbalances = await auditBooks(client);
    const { rows } = await client.query<{ quotas: string }>('SELECT count(*) AS quotas FROM usage_quotas');
    for (const { userId, period, what, quota, recomputed } of imbalances) {
      process.stdout.write(`${period}  ${userId}  ${what}: the quota says ${quota}, recomputed ${recomputed}\n`);
    }
    process.stdout.write(
      imbalances.length === 0
        ? `The books balance: ${rows[0]?.quotas} quotas equal their ledger and their records.\n`
        : `The books do not balance: ${imbalances.length} differences in ${rows[0]?.quotas} quotas.\n`,
    );
    return imbalances.length === 0 ? 0 : 1;
  } finally {
    await client.end();
    await embedded?.stop();
  }
}

try {
  process.exitCode = await audit();
} catch (error) {
  if (error instanceof ConfigError) process.stderr.write(`${error.message}\n`);
  else process.stderr.write(`The audit could not be made: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
