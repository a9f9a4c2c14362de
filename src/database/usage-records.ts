import { type Micros, parseMoney } from '../domain/money.ts';
import type { UsageRecord, UsageRecords } from '../domain/usage-record.ts';
import type { UsageRecord as UsageRecordRow } from './generated/client/client.ts';
import type { Prisma } from './prisma.ts';

export function createUsageRecords(prisma: Prisma): UsageRecords {
  return {
    async find(userId, ids) {
      const rows = await prisma.usageRecord.findMany({
        where: { userId, id: { in: [...ids] } },
        orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      });
      return rows.map(toUsageRecord);
    },
    async list(page) {
      return (await prisma.usageRecord.findHistory(page)).map(toUsageRecord);
    },
  };
}

function toUsageRecord(row: UsageRecordRow): UsageRecord {
  return {
    ...row,
    estimatedCost: toMoney(row.estimatedCost),
    settledCost: toMoney(row.settledCost),
    pricePerMinute: toMoney(row.pricePerMinute),
    pricedCost: toMoney(row.pricedCost),
    actualCost: row.actualCost && toMoney(row.actualCost),
  };
}

function toMoney(decimal: { toFixed(): string }): Micros {
  return parseMoney(decimal.toFixed());
}
