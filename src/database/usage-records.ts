import type { UsageRecords } from '../domain/usage-record.ts';
import type { Prisma } from './prisma.ts';
import { historyQuery } from './usage-history.ts';

export function createUsageRecords(prisma: Prisma): UsageRecords {
  return { list: (page) => prisma.usageRecord.findMany(historyQuery(page)) };
}
