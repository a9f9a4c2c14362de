import { formatMoney, type Micros } from '../src/domain/money.ts';
import type {
  CorrectionReason,
  ReconciliationReport,
  ReportDifference,
  ReportGroup,
  UnattributedSession,
} from '../src/domain/reconciliation-report.ts';

const REASONS: Record<CorrectionReason, string> = {
  unreported_use: 'used at the vendor, its start never reported to us',
  never_started: 'never started at the vendor',
  ended_sooner: 'the vendor ended it sooner',
  ran_longer: 'it ran on at the vendor',
  vendor_figures: 'counted or rounded otherwise by the vendor',
};

/** A month's report as the operator reads it. */
export function formatReport(report: ReconciliationReport, currency: string): string {
  const { groups, differences, unattributed } = report;
  const ours = sum(groups.map((group) => group.actualCost));
  const past = sum(unattributed.map((session) => session.cost));
  const notCompared = groups.reduce((total, group) => total + group.notCompared, 0);
  return [
    `${report.period}, in ${currency}`,
    '',
    ...table([
      ['vendor', 'mode', 'avatar', 'sessions', 'estimated', 'actual', 'difference'],
      ...groups.map((group) => groupLine(group, [group.vendor, group.mode, group.avatarName])),
      groupLine(total(groups), ['all', '', '']),
    ]),
    '',
    `Differences: ${differences.length}`,
    ...differences.map(differenceLine),
    '',
    `Unattributed: ${unattributed.length}`,
    ...unattributed.map(unattributedLine),
    '',
    ...(notCompared > 0 ? [`Not compared with the vendor yet: ${notCompared}, taken at the estimate.`] : []),
    `The vendor bills ${formatMoney(ours + past)}: ${formatMoney(ours)} for our sessions, ${formatMoney(past)} unattributed.`,
  ].join('\n');
}

type Totals = Pick<ReportGroup, 'sessions' | 'estimatedCost' | 'actualCost'>;

function total(groups: readonly ReportGroup[]): Totals {
  return {
    sessions: groups.reduce((sessions, group) => sessions + group.sessions, 0),
    estimatedCost: sum(groups.map((group) => group.estimatedCost)),
    actualCost: sum(groups.map((group) => group.actualCost)),
  };
}

function groupLine({ sessions, estimatedCost, actualCost }: Totals, names: readonly string[]): string[] {
  return [
    ...names,
    String(sessions),
    formatMoney(estimatedCost),
    formatMoney(actualCost),
    percent(actualCost - estimatedCost, estimatedCost),
  ];
}

/** With two decimals, cut; a dash where nothing was estimated. */
function percent(difference: Micros, estimated: Micros): string {
  if (estimated === 0n) return difference === 0n ? '0.00 %' : '–';
  return `${signed(formatMoney(((difference * 10_000n) / estimated) * 10_000n), difference)} %`;
}

function differenceLine(difference: ReportDifference): string {
  const { estimatedSeconds, estimatedCost, actualSeconds, actualCost, vendorEndReason } = difference;
  const change = actualCost - estimatedCost;
  return [
    `  ${signed(formatMoney(change), change)}`,
    `${difference.vendor} ${difference.avatarSessionId}`,
    `user ${difference.userId}`,
    `${estimatedSeconds} s at ${formatMoney(estimatedCost)} → ${actualSeconds} s at ${formatMoney(actualCost)}`,
    REASONS[difference.reason] + (vendorEndReason ? ` (${vendorEndReason})` : ''),
  ].join('  ');
}

function unattributedLine(session: UnattributedSession): string {
  return [
    `  ${formatMoney(session.cost)}`,
    `${session.vendor} ${session.avatarSessionId}`,
    [session.source, session.mode].filter(Boolean).join(' '),
    `from ${session.startedAt.toISOString()}`,
    `${session.seconds} s${session.endedAt ? '' : ', still running'}`,
  ].join('  ');
}

function signed(amount: string, of: Micros): string {
  return of > 0n ? `+${amount}` : amount;
}

function sum(amounts: readonly Micros[]): Micros {
  return amounts.reduce((total, amount) => total + amount, 0n);
}

/** Columns of words to the left, of figures to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column < 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
