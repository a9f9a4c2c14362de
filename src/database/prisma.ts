import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import { toPublicError } from './errors.ts';
import { PrismaClient } from './generated/client/client.ts';

/**
 * Reads of records go through Prisma, over the pool that the statements use.
 *
 * Every query rejects with a ServiceUnavailableError when the database cannot be asked.
 */
export function createPrisma(pool: pg.Pool) {
  return new PrismaClient({ adapter: new PrismaPg(pool), errorFormat: 'minimal' }).$extends({
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
}

export type Prisma = ReturnType<typeof createPrisma>;
