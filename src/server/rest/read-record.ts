import type { Caller } from '../../domain/caller.ts';
import type { UsageRecord, UsageRecords } from '../../domain/usage-record.ts';

/** Reads a record of the caller that a use case has just returned the ID of. */
export async function readRecord(
  { records }: { readonly records: UsageRecords },
  { userId }: Caller,
  id: string,
): Promise<UsageRecord> {
  const [record] = await records.find(userId, [id]);
  if (!record) throw new Error(`Usage record ${id} not found.`);
  return record;
}
