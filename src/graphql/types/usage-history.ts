import { type ResolveCursorConnectionArgs, resolveCursorConnection } from '@pothos/plugin-relay';
import { builder } from '../builder.ts';
import { formatHistoryCursor, type HistoryCursor, parseHistoryCursor } from '../history-cursor.ts';
import { MAX_PAGE_SIZE, name, pageSize } from '../inputs.ts';
import { UsageRecordType, UsageStatusEnum } from './usage-record.ts';

const DEFAULT_PAGE_SIZE = 20;

const UsageHistoryFilter = builder.inputType('UsageHistoryFilter', {
  description: 'Which usage records to list: those that meet every condition given.',
  fields: (t) => ({
    period: t.field({ type: 'BillingPeriod', description: 'Only of this month.' }),
    status: t.field({ type: [UsageStatusEnum], description: 'Only of one of these.' }),
    avatarName: t.string({ description: 'Only of this avatar.', validate: name }),
    from: t.field({ type: 'DateTime', description: 'Only those created at this instant or later.' }),
    to: t.field({ type: 'DateTime', description: 'Only those created before this instant.' }),
  }),
});

const UsageHistoryEdge = builder.edgeObject({
  name: 'QueryUsageHistoryConnectionEdge',
  description: 'A usage record and where it stands in the list.',
  type: UsageRecordType,
});

const UsageHistoryConnection = builder.connectionObject(
  {
    name: 'QueryUsageHistoryConnection',
    description: 'A page of usage records.',
    type: UsageRecordType,
  },
  UsageHistoryEdge,
);

builder.queryField('usageHistory', (t) =>
  t.field({
    type: UsageHistoryConnection,
    description: 'The caller’s usage records, newest first.',
    args: {
      first: t.arg.int({
        defaultValue: DEFAULT_PAGE_SIZE,
        description: `How many to list, at most ${MAX_PAGE_SIZE}.`,
        validate: pageSize,
      }),
      after: t.arg.string({ description: 'The endCursor of the page before.' }),
      filter: t.arg({ type: UsageHistoryFilter, description: 'Which records to list.' }),
    },
    resolve: (_root, { filter, ...args }, { prisma, caller }) =>
      resolveCursorConnection(
        { args, defaultSize: DEFAULT_PAGE_SIZE, maxSize: MAX_PAGE_SIZE, toCursor: formatHistoryCursor },
        ({ after, limit }: ResolveCursorConnectionArgs) =>
          prisma.usageRecord.findMany({
            where: {
              AND: [
                {
                  userId: caller.userId,
                  ...(filter?.period && { billingPeriod: filter.period }),
                  ...(filter?.status && { status: { in: [...new Set(filter.status)] } }),
                  ...(filter?.avatarName && { avatarName: filter.avatarName }),
                  createdAt: { ...(filter?.from && { gte: filter.from }), ...(filter?.to && { lt: filter.to }) },
                },
                after === undefined ? {} : olderThan(parseHistoryCursor(after)),
              ],
            },
            orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
            take: limit,
          }),
      ),
  }),
);

/** The page's key is (created_at, id): rows that are added meanwhile never shift a page. */
function olderThan({ createdAt, id }: HistoryCursor) {
  return { createdAt: { lte: createdAt }, OR: [{ createdAt: { lt: createdAt } }, { id: { lt: id } }] };
}
