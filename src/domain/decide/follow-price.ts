import type { StoredRecord } from '../state.ts';
import { changeQuota, changeRecord, type Draft, priceListOf } from './draft.ts';
import { priceFrom } from './move-records.ts';

/** Whether the prices changed after the record was last priced. */
export function hasOldPrice({ rules }: Draft, record: StoredRecord): boolean {
  return record.priceRevision < rules.prices.revisionFor(record);
}

/**
 * Lets an open record follow the prices that are in force: what a session costs from now on, and, where the prices themselves
 * have changed, what is held for it. What is settled stays as it is.
 */
export function followPrice(draft: Draft, record: StoredRecord): void {
  const { now, rules } = draft;
  const pricesChanged = hasOldPrice(draft, record);
  changeRecord(draft, record, {
    ...(record.countedFrom !== null && priceFrom(priceListOf(draft, record), record.countedFrom, now)),
    priceRevision: rules.prices.revisionFor(record),
  });
  changeQuota(draft, record.quotaPeriod, pricesChanged ? { limitsChangedAt: now } : {});
}
