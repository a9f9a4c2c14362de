/** `npm run audit`: recomputes every quota and prints what does not balance. Exit code 1 if anything. */
import { ConfigError, loadConfig } from '../src/config.ts';
import { auditBooks } from '../src/database/audit.ts';
import { openDatabase } from './open-database.ts';

async function audit(): Promise<number> {
  await using database = await openDatabase(loadConfig(process.env));
  const imbalances = await auditBooks(database.pool);
  const { rows } = await database.pool.query<{ quotas: string }>('SELECT count(*) AS quotas FROM usage_quotas');
  for (const { userId, period, what, quota, recomputed } of imbalances) {
    process.stdout.write(`${period}  ${userId}  ${what}: the quota says ${quota}, recomputed ${recomputed}\n`);
  }
  process.stdout.write(
    imbalances.length === 0
      ? `The books balance: ${rows[0]?.quotas} quotas equal their ledger and their records.\n`
      : `The books do not balance: ${imbalances.length} differences in ${rows[0]?.quotas} quotas.\n`,
  );
  return imbalances.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await audit();
} catch (error) {
  if (error instanceof ConfigError) process.stderr.write(`${error.message}\n`);
  else process.stderr.write(`The audit could not be made: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
