import { readQuota } from '../../app/read-quota.ts';
import { type BillingPeriod, parsePeriod } from '../../domain/period.ts';
import { toMinutes } from '../../domain/quota.ts';
import type { QuotaView } from '../../domain/quota-view.ts';
import { builder } from '../builder.ts';
import { QuotaWarningType } from './quota-warning.ts';

export const QuotaRef = builder.objectRef<QuotaView>('Quota');

builder.node(QuotaRef, {
  description: 'A user’s limits, use and holds in one calendar month.',
  id: {
    resolve: ({ state }) => quotaKey(state.period, state.userId),
    description: 'The quota’s id within this API: one per user and month.',
  },
  loadOne: (key, context) => {
    const period = parsePeriod(key.slice(0, 'YYYY-MM'.length));
    const isOwn = period !== null && key === quotaKey(period, context.caller.userId);
    return isOwn ? readQuota(context, context.caller.userId, period) : null;
  },
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'state' in value,
  fields: (t) => ({
    userId: t.id({ description: 'Whose quota it is.', resolve: ({ state }) => state.userId }),
    period: t.field({
      type: 'BillingPeriod',
      description: 'The calendar month it counts.',
      resolve: ({ state }) => state.period,
    }),
    limitMinutes: t.int({ description: 'Minutes allowed in the month.', resolve: ({ state }) => state.limitMinutes }),
    limitCost: t.field({
      type: 'Decimal',
      description: 'Cost allowed in the month.',
      resolve: ({ state }) => state.limitCost,
    }),
    usedSeconds: t.exposeInt('usedSeconds', {
      description: 'Settled use and what running sessions have consumed up to now, in whole seconds.',
    }),
    usedMinutes: t.float({
      description: 'The same in minutes, such as 47.25.',
      resolve: ({ usedSeconds }) => toMinutes(usedSeconds),
    }),
    usedCost: t.expose('usedCost', { type: 'Decimal', description: 'The cost of that use.' }),
    heldSeconds: t.exposeInt('heldSeconds', {
      description: 'Reserved for tokens and running sessions and not consumed yet.',
    }),
    heldCost: t.expose('heldCost', { type: 'Decimal', description: 'The cost of what is held.' }),
    remainingSeconds: t.exposeInt('remainingSeconds', { description: 'limit − used, never below 0.' }),
    remainingMinutes: t.float({
      description: 'The same in minutes.',
      resolve: ({ remainingSeconds }) => toMinutes(remainingSeconds),
    }),
    remainingCost: t.expose('remainingCost', { type: 'Decimal', description: 'limit − used, never below 0.' }),
    availableSeconds: t.exposeInt('availableSeconds', {
      description: 'What the next token could hold: limit − used − held, never below 0.',
    }),
    percentUsed: t.exposeFloat('percentUsed', {
      description: 'The higher of the two percentages, minutes and cost. May pass 100.',
    }),
    warning: t.expose('warning', {
      type: QuotaWarningType,
      nullable: true,
      description: 'Null below the first threshold.',
    }),
    nextWarningAt: t.expose('nextWarningAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the running sessions, if they go on, cross the next threshold. Null if they never will.',
    }),
    sessionCount: t.int({
      description: 'Sessions started in the month.',
      resolve: ({ state }) => state.sessionCount,
    }),
    openSessions: t.prismaField({
      type: ['UsageRecord'],
      description: 'Unused tokens and running sessions, the oldest first.',
      resolve: (query, { state }, _args, { prisma }) =>
        prisma.usageRecord.findMany({
          ...query,
          where: { id: { in: state.openRecords.map(({ id }) => id) } },
          orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
        }),
    }),
    isActive: t.boolean({
      description: 'Whether tokens are given out at all. The operator can switch a quota off.',
      resolve: ({ state }) => state.isActive,
    }),
    resetsAt: t.expose('resetsAt', { type: 'DateTime', description: 'When the month ends in the billing time zone.' }),
    version: t.exposeInt('version', {
      description: 'Grows with every change of this quota: keep the answer with the higher one.',
    }),
    serverTime: t.expose('serverTime', {
      type: 'DateTime',
      description: 'The server’s clock when this was read: count a running session on from here.',
    }),
  }),
});

builder.queryField('quota', (t) =>
  t.field({
    type: QuotaRef,
    description: 'The caller’s quota, of the current period unless another is named. Reading it never writes a row.',
    args: { period: t.arg({ type: 'BillingPeriod', description: 'The month, such as 2026-11.' }) },
    resolve: (_root, { period }, context) => readQuota(context, context.caller.userId, period),
  }),
);

function quotaKey(period: BillingPeriod, userId: string): string {
  return `${period}:${userId}`;
}
