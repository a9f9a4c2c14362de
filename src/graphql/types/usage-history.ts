import { queryFromInfo } from '@pothos/plugin-prisma';
import { type ResolveCursorConnectionArgs, resolveCursorConnection } from '@pothos/plugin-relay';
import { BadUserInputError } from '../../domain/errors.ts';
import type { HistoryKey } from '../../domain/usage-history.ts';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, name, pageSize } from '../../inputs/fields.ts';
import { formatHistoryCursor, parseHistoryCursor } from '../../inputs/history-cursor.ts';
import { builder } from '../builder.ts';
import { UsageRecordType, UsageStatusEnum } from './usage-record.ts';

const UsageHistoryFilter = builder.inputType('UsageHistoryFilter', {
  description: 'Conditions on usage records. A record is listed if it meets all of them.',
  fields: (t) => ({
    period: t.field({ type: 'BillingPeriod', description: 'The month that the record is billed to.' }),
    statuses: t.field({ type: [UsageStatusEnum], description: 'The statuses to include.' }),
    avatarName: t.string({ description: 'The name of the avatar.', validate: name }),
    from: t.field({ type: 'DateTime', description: 'The earliest `createdAt`, included.' }),
    to: t.field({ type: 'DateTime', description: 'The latest `createdAt`, excluded.' }),
  }),
});

const UsageRecordEdge = builder.edgeObject({
  name: 'UsageRecordEdge',
  description: 'A usage record and its position in the list.',
  type: UsageRecordType,
});

const UsageRecordConnection = builder.connectionObject(
  {
    name: 'UsageRecordConnection',
    description: 'A page of usage records.',
    type: UsageRecordType,
  },
  UsageRecordEdge,
);

/** What a cursor is made of, whatever else is selected. */
const CURSOR = { id: true, createdAt: true } as const;

builder.queryField('usageHistory', (t) =>
  t.field({
    type: UsageRecordConnection,
    description: "The caller's usage records, newest first.",
    args: {
      first: t.arg.int({
        defaultValue: DEFAULT_PAGE_SIZE,
        description: `The number of records to return, 1 to ${MAX_PAGE_SIZE}.`,
        validate: pageSize,
      }),
      after: t.arg.string({ description: 'The `endCursor` of the previous page. The first page if omitted.' }),
      filter: t.arg({ type: UsageHistoryFilter, description: 'The conditions that the records must meet.' }),
    },
    resolve: (_root, { filter, ...args }, context, info) => {
      const { prisma, caller } = context;
      const { select } = queryFromInfo({ context, info, paths: [['edges', 'node'], ['nodes']], select: CURSOR });
      return resolveCursorConnection(
        { args, defaultSize: DEFAULT_PAGE_SIZE, maxSize: MAX_PAGE_SIZE, toCursor: formatHistoryCursor },
        ({ after, limit }: ResolveCursorConnectionArgs) =>
          prisma.usageRecord.findHistory(
            {
              userId: caller.userId,
              filter: filter ?? {},
              after: after === undefined ? null : readCursor(after),
              limit,
            },
            select,
          ),
      );
    },
  }),
);

function readCursor(after: string): HistoryKey {
  const key = parseHistoryCursor(after);
  if (key) return key;
  throw new BadUserInputError('Invalid `after` cursor. Pass the `endCursor` of a previous page.', ['after']);
}
