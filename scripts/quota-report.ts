import { formatMoney, type Micros } from '../src/domain/money.ts';
import type { QuotaPolicy } from '../src/domain/policy.ts';
import { type OpenRecord, toMinutes } from '../src/domain/quota.ts';
import type { QuotaView } from '../src/domain/quota-view.ts';
import { percentagesAt } from '../src/domain/thresholds.ts';
import { count, formatInstant, formatTable } from './table.ts';

/** A quota as the operator reads it. */
export function formatQuota(view: QuotaView, { currency, billingTimeZone }: QuotaPolicy): string {
  const { state, warning, usedSeconds, heldSeconds, usedCost, heldCost, resetsAt, serverTime } = view;
  const percentages = percentagesAt(state, serverTime);
  const money = (cost: Micros) => `${formatMoney(cost)} ${currency}`;
  const instant = (at: Date) => formatInstant(at, billingTimeZone);
  return [
    ...formatTable([
      ['User', state.userId],
      ['Month', `${state.period}, resets ${instant(resetsAt)}`],
      ['Active', state.isActive ? 'yes' : 'no: new tokens are refused'],
      ['Warning', warning ? `${warning.thresholdPercent} % of ${warning.limit} reached` : 'none'],
      ['Open sessions', describeOpen(state.openRecords)],
    ]),
    '',
    ...formatTable(
      [
        ['', 'Limit', 'Used', 'Held', 'Used %'],
        [
          'Minutes',
          minutes(state.limitMinutes * 60),
          minutes(usedSeconds),
          minutes(heldSeconds),
          percent(percentages.minutes),
        ],
        ['Cost', money(state.limitCost), money(usedCost), money(heldCost), percent(percentages.cost)],
      ],
      [1, 2, 3, 4],
    ),
    ...openSessions(state.openRecords, instant),
  ].join('\n');
}

function openSessions(records: readonly OpenRecord[], instant: (at: Date) => string): string[] {
  if (records.length === 0) return [];
  const rows = records.map(({ sessionId, countedFrom, createdAt, heldSeconds }) => [
    sessionId,
    countedFrom ? 'running' : 'unused token',
    instant(countedFrom ?? createdAt),
    minutes(heldSeconds),
  ]);
  return ['', ...formatTable([['Conversation', 'Status', 'Since', 'Minutes held'], ...rows], [3])];
}

function describeOpen(records: readonly OpenRecord[]): string {
  const running = records.filter(({ countedFrom }) => countedFrom !== null).length;
  const unused = records.length - running;
  const parts = [
    ...(running > 0 ? [`${running} running`] : []),
    ...(unused > 0 ? [count(unused, 'unused token')] : []),
  ];
  return parts.join(', ') || 'none';
}

function minutes(seconds: number): string {
  return (seconds / 60).toFixed(2);
}

function percent(value: number): string {
  return `${value.toFixed(2)} %`;
}

/**
 * A quota for programs. The names and units are those of the GraphQL type `Quota`, and costs are decimal strings. An open
 * session's `countedFrom` is its start, or the start of the month if that is later. Null for an unused token.
 */
export function quotaToJson(view: QuotaView, currency: string): string {
  const { state, warning } = view;
  return JSON.stringify(
    {
      userId: state.userId,
      period: state.period,
      currency,
      limitMinutes: state.limitMinutes,
      limitCost: formatMoney(state.limitCost),
      usedSeconds: view.usedSeconds,
      usedMinutes: toMinutes(view.usedSeconds),
      usedCost: formatMoney(view.usedCost),
      heldSeconds: view.heldSeconds,
      heldCost: formatMoney(view.heldCost),
      availableSeconds: view.availableSeconds,
      percentUsed: view.percentUsed,
      warning: warning && { limit: warning.limit, thresholdPercent: warning.thresholdPercent },
      openSessions: state.openRecords.map(({ sessionId, status, createdAt, countedFrom, heldSeconds }) => ({
        sessionId,
        status: status.toUpperCase(),
        createdAt,
        countedFrom,
        heldSeconds,
      })),
      isActive: state.isActive,
      resetsAt: view.resetsAt,
    },
    null,
    2,
  );
}
