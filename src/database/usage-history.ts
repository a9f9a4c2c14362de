import type { HistoryKey, HistoryPage } from '../domain/usage-history.ts';
import type { Prisma } from './generated/client/client.ts';

/** The page's key is (created_at, id): rows that are added meanwhile never shift a page. */
export function historyQuery({ userId, filter, after, limit }: HistoryPage) {
  const { period, statuses, avatarName, from, to } = filter;
  return {
    where: {
      AND: [
        {
          userId,
          ...(period && { billingPeriod: period }),
          ...(statuses && { status: { in: [...new Set(statuses)] } }),
          ...(avatarName && { avatarName }),
          createdAt: { ...(from && { gte: from }), ...(to && { lt: to }) },
        },
        after ? olderThan(after) : {},
      ],
    },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: limit,
  } satisfies Prisma.UsageRecordFindManyArgs;
}

function olderThan({ createdAt, id }: HistoryKey) {
  return { createdAt: { lte: createdAt }, OR: [{ createdAt: { lt: createdAt } }, { id: { lt: id } }] };
}
