import { currentPrice, readQuota } from '../../app/read-quota.ts';
import { parsePeriod } from '../../domain/period.ts';
import { toMinutes } from '../../domain/quota.ts';
import type { QuotaView } from '../../domain/quota-view.ts';
import { builder } from '../builder.ts';
import { quotaKey } from '../node-id.ts';
import { QuotaWarningType } from './quota-warning.ts';
import { openSessions } from './saved-record.ts';
import { UsageRecordType } from './usage-record.ts';

export const QuotaRef = builder.objectRef<QuotaView>('Quota');

builder.node(QuotaRef, {
  description:
    'The limits, use, and holds of one user in one calendar month. A hold reserves quota for an issued token or a running session.',
  id: {
    resolve: ({ state }) => quotaKey(state.period, state.userId),
    description: 'The opaque ID of the quota: one per user and month.',
  },
  loadOne: (key, context) => {
    const period = parsePeriod(key.slice(0, 'YYYY-MM'.length));
    const isOwn = period !== null && key === quotaKey(period, context.caller.userId);
    return isOwn ? readQuota(context, context.caller.userId, period) : null;
  },
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'state' in value,
  fields: (t) => ({
    userId: t.id({
      description: 'The ID of the user: the `sub` claim of the JWT.',
      resolve: ({ state }) => state.userId,
    }),
    period: t.field({
      type: 'BillingPeriod',
      description: 'The calendar month that the quota applies to.',
      resolve: ({ state }) => state.period,
    }),
    limitMinutes: t.int({
      description: 'The maximum number of minutes in the month.',
      resolve: ({ state }) => state.limitMinutes,
    }),
    limitCost: t.field({
      type: 'Decimal',
      description: 'The maximum cost in the month.',
      resolve: ({ state }) => state.limitCost,
    }),
    currency: t.field({
      type: 'CurrencyCode',
      description: 'The currency of every amount of the quota.',
      resolve: (_quota, _args, { policy }) => policy.currency,
    }),
    pricePerMinute: t.field({
      type: 'Decimal',
      description: 'The price per minute that is now in force for the default avatar.',
      resolve: (_quota, _args, context) => currentPrice(context),
    }),
    warningThresholds: t.intList({
      description: 'The percentages at which the user is warned, ascending, such as `[80]`. Reaching 100 always warns.',
      resolve: (_quota, _args, { policy }) => [...policy.thresholds],
    }),
    usedSeconds: t.exposeInt('usedSeconds', {
      description: 'The number of seconds used: settled use, and the use of running sessions up to `serverTime`.',
    }),
    usedMinutes: t.float({
      description: '`usedSeconds` in minutes, such as 47.25.',
      resolve: ({ usedSeconds }) => toMinutes(usedSeconds),
    }),
    usedCost: t.expose('usedCost', { type: 'Decimal', description: 'The cost of the use so far.' }),
    heldSeconds: t.exposeInt('heldSeconds', {
      description: 'The number of seconds held for unused tokens and running sessions and not used yet.',
    }),
    heldCost: t.expose('heldCost', { type: 'Decimal', description: 'The cost held and not used yet.' }),
    remainingSeconds: t.exposeInt('remainingSeconds', {
      description: 'The number of seconds left: the limit minus used. Never below 0.',
    }),
    remainingMinutes: t.float({
      description: '`remainingSeconds` in minutes.',
      resolve: ({ remainingSeconds }) => toMinutes(remainingSeconds),
    }),
    remainingCost: t.expose('remainingCost', {
      type: 'Decimal',
      description: 'The budget left: `limitCost` minus `usedCost`. Never below 0.',
    }),
    availableSeconds: t.exposeInt('availableSeconds', {
      description:
        'The number of seconds that the next token can hold: the limit minus used minus held. Never below 0.',
    }),
    percentUsed: t.exposeFloat('percentUsed', {
      description: 'The percentage used of the minutes or of the cost, whichever is higher. It can exceed 100.',
    }),
    warning: t.expose('warning', {
      type: QuotaWarningType,
      nullable: true,
      description: 'The warning in force. Null below the first threshold.',
    }),
    nextWarningAt: t.expose('nextWarningAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'The moment at which the running sessions will cross the next threshold if they continue. Null if they never will.',
    }),
    sessionCount: t.int({
      description: 'The number of sessions started in the month.',
      resolve: ({ state }) => state.sessionCount,
    }),
    openSessions: t.field({
      type: [UsageRecordType],
      description: 'The unused tokens and running sessions, oldest first.',
      resolve: ({ state }, _args, context, info) => openSessions(state.openRecords, context, info),
    }),
    isActive: t.boolean({
      description: 'Whether tokens are issued to the user at all. Only the operator can change it.',
      resolve: ({ state }) => state.isActive,
    }),
    resetsAt: t.expose('resetsAt', {
      type: 'DateTime',
      description: 'The end of the month in the billing time zone.',
    }),
    version: t.exposeInt('version', {
      description:
        'The version of the quota, which grows with every change. Of two responses, keep the one with the higher version, except that a `SNAPSHOT` of `quotaUpdated` always replaces the state before it.',
    }),
    serverTime: t.expose('serverTime', {
      type: 'DateTime',
      description: "The server's time when the quota was read. To show a running session live, count on from it.",
    }),
  }),
});

builder.queryField('quota', (t) =>
  t.field({
    type: QuotaRef,
    description: "The caller's quota of a month.",
    args: {
      period: t.arg({ type: 'BillingPeriod', description: 'The month. The current month if omitted.' }),
    },
    resolve: (_root, { period }, context) => readQuota(context, context.caller.userId, period),
  }),
);
