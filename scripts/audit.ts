/** `npm run audit`: recomputes every quota and prints what does not balance. Exit code 1 if anything. */
import { loadSettings } from '../src/config/load-settings.ts';
import { DATABASE_KEYS, databaseOf } from '../src/config.ts';
import { type AuditScope, auditBooks, type Imbalance, readAuditScope } from '../src/database/audit.ts';
import { formatMoney, parseMoney } from '../src/domain/money.ts';
import { runCommand } from './command.ts';
import { DATABASE_SETTINGS } from './help.ts';
import { openDatabase } from './open-database.ts';
import { count, formatTable } from './table.ts';

await runCommand({
  name: 'audit',
  summary:
    'Recomputes every quota from its ledger and from its usage records, and lists each figure that differs. Changes nothing.',
  options: { json: { description: 'Prints JSON instead of text.' } },
  settings: [DATABASE_SETTINGS, 'CURRENCY'],
  example: 'npm run -s audit',
  failure: 'Figures differ, or the audit failed. The reason of a failure is on standard error.',
  async run({ json }) {
    const settings = loadSettings(process.env, [...DATABASE_KEYS, 'CURRENCY']);
    const currency = settings.CURRENCY;
    await using database = await openDatabase(databaseOf(settings));
    const scope = await readAuditScope(database.pool);
    const differences = await auditBooks(database.pool);
    return {
      output: json
        ? JSON.stringify({ checked: scope, currency, differences }, null, 2)
        : [...listDifferences(differences, currency), summarize(scope, differences.length)].join('\n'),
      exitCode: differences.length === 0 ? 0 : 1,
    };
  },
});

function listDifferences(differences: readonly Imbalance[], currency: string): string[] {
  const inUnits = (value: string, { unit }: Imbalance) =>
    unit === 'cost' ? `${formatMoney(parseMoney(value))} ${currency}` : `${value} ${unit}`;
  return formatTable(
    differences.map((difference) => [
      difference.period,
      difference.userId,
      difference.what,
      `stored: ${inUnits(difference.quota, difference)}`,
      `recomputed: ${inUnits(difference.recomputed, difference)}`,
    ]),
  );
}

function summarize({ quotas, users, months, ledgerEntries, records }: AuditScope, differences: number): string {
  if (quotas === 0) return 'There are no quotas yet, so there was nothing to check.';
  const checked =
    `Checked ${count(quotas, 'quota')} (${count(users, 'user')}, ${count(months, 'month')}) against ` +
    `${count(ledgerEntries, 'ledger entry', 'ledger entries')} and ${count(records, 'usage record')}`;
  return differences === 0 ? `${checked}: everything balances.` : `${checked}: ${count(differences, 'difference')}.`;
}
