import { formatMoney, type Micros } from '../src/domain/money.ts';
import type {
  CorrectionReason,
  ReconciliationReport,
  ReportDifference,
  ReportGroup,
  SetAsideSession,
  UnattributedSession,
} from '../src/domain/reconciliation-report.ts';
import { count, formatTable, indent } from './table.ts';

const REASONS: Record<CorrectionReason, string> = {
  unreported_use: 'used, but its start was not reported',
  never_started: 'never started at the vendor',
  refunded: 'refunded by the vendor',
  ended_sooner: 'ended earlier at the vendor',
  ran_longer: 'ended later at the vendor',
  vendor_figures: 'measured or rounded differently by the vendor',
};

/** A month's report as the operator reads it. */
export function formatReport(report: ReconciliationReport, currency: string): string {
  const { groups, differences, unattributed, setAside } = report;
  const ours = sum(groups.map((group) => group.actualCost));
  const others = sum(unattributed.map((session) => session.cost));
  const notCompared = groups.reduce((total, group) => total + group.notCompared, 0);
  const money = (cost: Micros) => `${formatMoney(cost)} ${currency}`;
  return [
    `${report.period}, amounts in ${currency}`,
    '',
    ...formatTable(
      [
        ['Vendor', 'Mode', 'Avatar', 'Sessions', 'Estimated', 'Actual', 'Difference'],
        ...groups.map((group) => groupLine(group, [group.vendor, group.mode, group.avatarName])),
        groupLine(total(groups), ['Total', '', '']),
      ],
      [3, 4, 5, 6],
    ),
    '',
    `Sessions that cost more or less than estimated: ${differences.length}`,
    ...indent(formatDifferences(differences)),
    '',
    `Unattributed sessions, which no token of this service explains: ${unattributed.length}`,
    ...indent(formatUnattributed(unattributed)),
    '',
    ...(setAside.length > 0
      ? [`Sessions that could not be compared, tried again at every run: ${setAside.length}`]
      : []),
    ...indent(formatSetAside(setAside)),
    ...(setAside.length > 0 ? [''] : []),
    ...(notCompared > 0
      ? [`Not compared with the vendor yet: ${count(notCompared, 'session')}, included at the estimate.`]
      : []),
    `The vendor bills ${money(ours + others)}: ${money(ours)} for sessions of this service, ${money(others)} unattributed.`,
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

function formatDifferences(differences: readonly ReportDifference[]): string[] {
  if (differences.length === 0) return [];
  const rows = differences.map((difference) => {
    const { estimatedSeconds, estimatedCost, actualSeconds, actualCost, vendorEndReason } = difference;
    const change = actualCost - estimatedCost;
    return [
      signed(formatMoney(change), change),
      `${estimatedSeconds} s`,
      formatMoney(estimatedCost),
      `${actualSeconds} s`,
      formatMoney(actualCost),
      difference.userId,
      `${difference.vendor} ${difference.avatarSessionId}`,
      REASONS[difference.reason] + (vendorEndReason ? ` (${vendorEndReason})` : ''),
    ];
  });
  const headings = ['Difference', 'Estimated', '', 'Actual', '', 'User', 'Session', 'Reason'];
  return formatTable([headings, ...rows], [0, 1, 2, 3, 4]);
}

function formatUnattributed(sessions: readonly UnattributedSession[]): string[] {
  if (sessions.length === 0) return [];
  const rows = sessions.map((session) => [
    formatMoney(session.cost),
    `${session.seconds} s`,
    `${session.vendor} ${session.avatarSessionId}`,
    [session.source, session.mode].filter(Boolean).join(' '),
    session.startedAt.toISOString(),
    session.endedAt ? '' : 'still running',
  ]);
  return formatTable([['Cost', 'Duration', 'Session', 'Source', 'Started', ''], ...rows], [0, 1]);
}

function formatSetAside(sessions: readonly SetAsideSession[]): string[] {
  if (sessions.length === 0) return [];
  const rows = sessions.map(({ vendor, avatarSessionId, failures, failingSince, problem }) => [
    String(failures),
    failingSince.toISOString(),
    `${vendor} ${avatarSessionId}`,
    problem,
  ]);
  return formatTable([['Attempts', 'Since', 'Session', 'Problem'], ...rows], [0]);
}

function signed(amount: string, of: Micros): string {
  return of > 0n ? `+${amount}` : amount;
}

function sum(amounts: readonly Micros[]): Micros {
  return amounts.reduce((total, amount) => total + amount, 0n);
}
