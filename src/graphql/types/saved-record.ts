import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import type { OpenRecord } from '../../domain/quota.ts';
import type { SavedRecord } from '../../domain/usage-record.ts';
import type { GraphQLContext } from '../context.ts';

// Records that are known in full. `queryFromInfo` tells Pothos that they have every selected column: it reads none of them.

/** A record as an act saved it. Only a stop that the act does not know is read, and only if it is selected. */
export async function savedRecord(record: SavedRecord, context: GraphQLContext, info: GraphQLResolveInfo) {
  const { select } = queryFromInfo({ context, info });
  if (record.stop !== undefined || !select?.stop) return record;
  const where = { recordId: record.id };
  const stop = await context.prisma.vendorStop.findUnique({ where, select: { confirmedAt: true } });
  return { ...record, stop };
}

/** Open records of a quota. The vendor is asked to stop none of them. */
export function openSessions(records: readonly OpenRecord[], context: GraphQLContext, info: GraphQLResolveInfo) {
  queryFromInfo({ context, info });
  return records.map((record) => ({ ...record, stop: null }));
}
