import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import type { HistoryPage } from '../domain/usage-history.ts';
import { toPublicError } from './errors.ts';
import { PrismaClient } from './generated/client/client.ts';
import { historyQuery } from './usage-history.ts';

/**
 * Reads of records go through Prisma, over the pool that the statements use.
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
  });
  return prisma.$extends({
    model: {
      usageRecord: {
        /** A page of a user's records, newest first. */
        findHistory: (page: HistoryPage) => prisma.usageRecord.findMany(historyQuery(page)),
      },
    },
  });
}

export type Prisma = ReturnType<typeof createPrisma>;
