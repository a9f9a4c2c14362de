import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import { type Micros, parseMoney } from '../domain/money.ts';
import type { HistoryPage } from '../domain/usage-history.ts';
import { toPublicError } from './errors.ts';
import { PrismaClient, type Prisma as Types } from './generated/client/client.ts';
import { historyQuery } from './usage-history.ts';

/**
 * Plain reads go through Prisma, over the pool that the statements use. A relation is joined, so that a read is one statement
 * whatever it selects. The amounts of a record are read as exact millionths.
 *
 * Every query rejects with a ServiceUnavailableError when the database cannot be asked.
 */
export function createPrisma(pool: pg.Pool) {
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool), errorFormat: 'minimal' }).$extends({
    query: {
      async $allOperations({ args, query }) {
        try {
          return await query(args);
        } catch (error) {
          throw toPublicError(error);
        }
      },
    },
    result: {
      usageRecord: {
        estimatedCost: { needs: { estimatedCost: true }, compute: ({ estimatedCost }) => toMoney(estimatedCost) },
        settledCost: { needs: { settledCost: true }, compute: ({ settledCost }) => toMoney(settledCost) },
        pricePerMinute: { needs: { pricePerMinute: true }, compute: ({ pricePerMinute }) => toMoney(pricePerMinute) },
        pricedCost: { needs: { pricedCost: true }, compute: ({ pricedCost }) => toMoney(pricedCost) },
        actualCost: {
          needs: { actualCost: true },
          compute: ({ actualCost }) => (actualCost === null ? null : toMoney(actualCost)),
        },
      },
    },
  });
  return prisma.$extends({
    model: {
      usageRecord: {
        /** A page of a user's records, newest first. */
        findHistory: <Selection extends Types.UsageRecordSelect>(page: HistoryPage, select: Selection) =>
          prisma.usageRecord.findMany<{ select: Selection }>({ ...historyQuery(page), select }),
      },
    },
  });
}

export type Prisma = ReturnType<typeof createPrisma>;

function toMoney(decimal: { toFixed(): string }): Micros {
  return parseMoney(decimal.toFixed());
}
