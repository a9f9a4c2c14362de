/** `npm run bench [-- --only NAME]`: every benchmark on one embedded PostgreSQL, one after the other, as a table. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { migrate } from '../src/database/migrate.ts';
import { createPool } from '../src/database/pool.ts';
import { startEmbeddedPostgres } from '../src/embedded-postgres/embedded-postgres.ts';
import type { Benchmark, Row } from './benchmark.ts';
import { benchCycle } from './cycle.ts';
import { benchDecide } from './decide.ts';
import { benchHot } from './hot.ts';
import { benchHttp } from './http.ts';
import { benchQuota } from './quota.ts';
import { benchReload } from './reload.ts';
import { benchSweeper } from './sweeper.ts';
import { benchTypename } from './typename.ts';

const BENCHMARKS: Record<string, Benchmark> = {
  decide: benchDecide,
  cycle: benchCycle,
  hot: benchHot,
  reload: benchReload,
  sweeper: benchSweeper,
  typename: benchTypename,
  quota: benchQuota,
  http: benchHttp,
};

const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
if (only !== undefined && !(only in BENCHMARKS)) {
  process.stderr.write(`There is no benchmark "${only}". Choose one of: ${Object.keys(BENCHMARKS).join(', ')}.\n`);
  process.exit(1);
}

const dataDir = await mkdtemp(join(tmpdir(), 'avatar-quota-bench-'));
const postgres = await startEmbeddedPostgres({ dataDir });
try {
  await migrate(postgres.url);
  for (const [name, benchmark] of Object.entries(BENCHMARKS)) {
    if (only !== undefined && only !== name) continue;
    const pool = createPool({ url: postgres.url, onError: () => {} });
    print(name, await benchmark({ pool, url: postgres.url }));
    await pool.end();
  }
} finally {
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}

function print(name: string, rows: readonly Row[]): void {
  const width = Math.max(...rows.map(([what]) => what.length));
  process.stdout.write(`\n${name}\n`);
  for (const [what, figure, note] of rows) {
    process.stdout.write(`  ${what.padEnd(width)}  ${figure.padStart(14)}  ${note}\n`);
  }
}
