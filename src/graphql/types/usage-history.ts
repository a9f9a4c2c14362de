import { type ResolveCursorConnectionArgs, resolveCursorConnection } from '@pothos/plugin-relay';
import { BadUserInputError } from '../../domain/errors.ts';
import type { HistoryKey } from '../../domain/usage-history.ts';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, name, pageSize } from '../../inputs/fields.ts';
import { formatHistoryCursor, parseHistoryCursor } from '../../inputs/history-cursor.ts';
import { builder } from '../builder.ts';
import { UsageRecordType, UsageStatusEnum } from './usage-record.ts';

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
          prisma.usageRecord.findHistory({
            userId: caller.userId,
            filter: filter ?? {},
            after: after === undefined ? null : readCursor(after),
            limit,
          }),
      ),
  }),
);

function readCursor(after: string): HistoryKey {
  const key = parseHistoryCursor(after);
  if (key) return key;
  throw new BadUserInputError('This is no cursor of usageHistory. Pass the endCursor of the page before, unchanged.', [
    'after',
  ]);
}
