import type { UsageRecords } from '../domain/usage-record.ts';
import type { Prisma } from './prisma.ts';
import { historyQuery } from './usage-history.ts';

export function createUsageRecords(prisma: Prisma): UsageRecords {
  return {
    find: (userId, ids) =>
      prisma.usageRecord.findMany({
        where: { userId, id: { in: [...ids] } },
        orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      }),
    list: (page) => prisma.usageRecord.findMany(historyQuery(page)),
  };
}
