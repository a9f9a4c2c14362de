/** `npm run reconcile`: corrects the usage records by the vendor's, or reports what a month cost. */
import { z } from 'zod';
import type { ReconcileSummary } from '../src/app/reconcile.ts';
import { reconcileMonths } from '../src/compose/reconciliation.ts';
import { createVendor } from '../src/compose/vendor.ts';
import { ConfigError, loadSettings } from '../src/config/load-settings.ts';
import { VENDOR_KEYS, vendorOf } from '../src/config/vendor.ts';
import { DATABASE_KEYS, databaseOf, POLICY_KEYS, policyOf } from '../src/config.ts';
import { createComparedClock } from '../src/database/decision-clock.ts';
import { createPrisma } from '../src/database/prisma.ts';
import { readReconciliationReport } from '../src/database/reconciliation-report.ts';
import { parsePeriod } from '../src/domain/period.ts';
import { describeFailure, runCommand } from './command.ts';
import { DATABASE_SETTINGS } from './help.ts';
import { openDatabase } from './open-database.ts';
import { formatReport } from './reconciliation-report.ts';
import { formatTable } from './table.ts';

const month = z.string().refine((text) => parsePeriod(text) !== null, 'must be a month such as 2026-11');

await runCommand({
  name: 'reconcile',
  summary:
    "Compares this month's and last month's sessions with the vendor's records and corrects ours. " +
    'With --report, only prints what the vendor bills for a month.',
  options: {
    report: {
      value: 'YYYY-MM',
      field: month,
      description: 'Prints estimated and actual cost of a month, and every difference. Does not contact the vendor.',
    },
  },
  settings: [
    DATABASE_SETTINGS,
    'CURRENCY',
    'Without --report: VENDOR and its settings, such as LIVEAVATAR_API_KEY; BILLING_TIME_ZONE',
  ],
  example: 'npm run -s reconcile -- --report 2026-11',
  async run({ report }) {
    return { output: report === undefined ? await compare() : await printReport(report) };
  },
});

async function printReport(period: string): Promise<string> {
  const settings = loadSettings(process.env, [...DATABASE_KEYS, 'CURRENCY']);
  await using database = await openDatabase(databaseOf(settings));
  const { pool } = database;
  return formatReport(await readReconciliationReport(pool, createPrisma(pool), period), settings.CURRENCY);
}

async function compare(): Promise<string> {
  const settings = loadSettings(process.env, [...DATABASE_KEYS, ...VENDOR_KEYS, ...POLICY_KEYS]);
  const vendorConfig = vendorOf(settings);
  if (vendorConfig.kind === 'simulator') {
    throw new ConfigError([
      'The simulated vendor runs inside the service, which reconciles with it. Use --report, or set VENDOR to liveavatar or heygen.',
    ]);
  }
  await using parts = new AsyncDisposableStack();
  const clock = () => new Date();
  const { vendor } = await createVendor(vendorConfig, clock, parts);
  if (!vendor.capabilities.list) {
    throw new ConfigError([`${vendor.name} has no list of sessions to compare with. Use --report.`]);
  }
  const { pool } = parts.use(await openDatabase(databaseOf(settings)));
  try {
    const decisionClock = createComparedClock({ pool, clock });
    return summarize(
      vendor.name,
      await reconcileMonths({ pool, policy: policyOf(settings), vendor, clock, decisionClock }),
    );
  } catch (error) {
    const reason = describeFailure(error);
    throw new Error(`The comparison stopped early: ${reason}\nWhat was compared is saved. Run the command again.`, {
      cause: error,
    });
  }
}

function summarize(vendor: string, summary: ReconcileSummary): string {
  const { corrected, confirmed, known, running, started, stopped, unused, unattributed, failed } = summary;
  return [
    `Compared this month and last month with ${vendor}.`,
    '',
    ...formatTable(
      [
        ['Ended, corrected', String(corrected)],
        ['Ended, confirmed', String(confirmed)],
        ['Ended, compared before', String(known)],
        ['Running', String(running)],
        ['Running, start was not reported', String(started)],
        ['Running after its end, stopped', String(stopped)],
        ['Token that was not started', String(unused)],
        ['Unattributed: no token explains it', String(unattributed)],
        ['Not compared, set aside', String(failed)],
      ],
      [1],
    ),
  ].join('\n');
}
