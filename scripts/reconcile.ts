/**
 * `npm run reconcile`: compares this month's and the last month's sessions with the vendor's books, and corrects ours.
 * `npm run reconcile -- --report 2026-11`: prints what the vendor bills for a month, and every difference. Asks nobody.
 */
import type { ReconcileSummary } from '../src/app/reconcile.ts';
import { reconcileMonths } from '../src/compose/reconciliation.ts';
import { createVendor } from '../src/compose/vendor.ts';
import { type Config, loadConfig } from '../src/config.ts';
import { readReconciliationReport } from '../src/database/reconciliation-report.ts';
import { parsePeriod } from '../src/domain/period.ts';
import { parseOptions, runCommand, UsageError } from './arguments.ts';
import { openDatabase } from './open-database.ts';
import { formatReport } from './reconciliation-report.ts';

const USAGE = 'Usage: npm run reconcile [-- --report YYYY-MM]';

/** The month to report; null for a comparison. */
function readArguments(args: string[]): string | null {
  const { report } = parseOptions(args, ['report']);
  if (report === undefined) return null;
  const period = parsePeriod(report);
  if (period === null) throw new UsageError('--report must be a month such as 2026-11.');
  return period;
}

async function report(config: Config, period: string): Promise<string> {
  await using database = await openDatabase(config);
  return formatReport(await readReconciliationReport(database.pool, period), config.policy.currency);
}

async function compare(config: Config): Promise<string> {
  if (config.vendor.kind === 'simulator') {
    throw new UsageError(
      'The simulated vendor lives in the running service, which compares by itself: use --report, or set VENDOR.',
    );
  }
  await using parts = new AsyncDisposableStack();
  const clock = () => new Date();
  const { vendor } = await createVendor(config.vendor, clock, parts);
  if (!vendor.capabilities.list) throw new UsageError(`${vendor.name} has no list of sessions to compare with.`);
  const { pool } = parts.use(await openDatabase(config));
  return summarise(await reconcileMonths({ pool, policy: config.policy, vendor, clock }));
}

function summarise({ corrected, confirmed, known, running, started, stopped, unattributed }: ReconcileSummary): string {
  return [
    `Ended: ${corrected} corrected, ${confirmed} confirmed, ${known} booked before.`,
    `Running: ${running} known, ${started} whose start nobody had reported, ${stopped} that are over for us and are stopped.`,
    `Unattributed: ${unattributed}.`,
  ].join('\n');
}

async function main(args: string[]): Promise<string> {
  const period = readArguments(args);
  const config = loadConfig(process.env);
  return period === null ? compare(config) : report(config, period);
}

await runCommand(main, {
  usage: USAGE,
  failure: 'The books could not be compared to the end; what was compared is booked. Call it again',
});
