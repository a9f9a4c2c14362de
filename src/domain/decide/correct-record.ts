import type { Micros } from '../money.ts';
import { type BillingPeriod, nextPeriod } from '../period.ts';
import { costOfSeconds, type PriceStep, priceAt } from '../price-book.ts';
import type { VendorFigures } from '../reconciliation.ts';
import type { CorrectionReason } from '../reconciliation-report.ts';
import type { Instant, StoredRecord } from '../state.ts';
import { isRefunded, vendorBilledSeconds } from '../vendor-billing.ts';
import { book, changeQuota, changeRecord, type Draft, publish, quotaOf, secondsBetween } from './draft.ts';

/** What a session has used, and what that cost. */
interface Use {
  readonly seconds: number;
  readonly cost: Micros;
}

/** Use by month: a session that ran past a month's end has two parts. */
interface Split {
  readonly firstPeriod: BillingPeriod;
  readonly lastPeriod: BillingPeriod;
  readonly first: Use;
  readonly last: Use;
}

/**
 * Books the vendor's figures of a record that has ended, as their difference from what is booked. Returns whether they
 * differed. The record keeps its estimate.
 *
 * Seconds count from our start, or from the vendor's where we know of none: such a record becomes the session that it was. Of a
 * session past a month's end, the seconds before it are booked in the old month.
 *
 * A refund lowers the cost and leaves the seconds. The cost of a session is never negative: what the vendor refunds beyond it
 * belongs to the account, not to the user, and no month's use becomes negative.
 *
 * @param figures null: the vendor does not know the session, which never started there
 */
export function correctRecord(draft: Draft, record: StoredRecord, figures: VendorFigures | null): boolean {
  const at = record.startedAt ?? Math.max(figures?.startedAt.getTime() ?? 0, record.createdAt);
  const { vendorMode, list } = termsOf(draft, record, figures?.mode ?? null, at);
  const seconds = figures?.seconds ?? 0;
  const billed = figures ? Math.max(vendorBilledSeconds(figures, priceAt(list, at)), 0) : 0;
  const use = { seconds, cost: costOfSeconds(list, at, billed) };
  const refunded = figures !== null && isRefunded(figures, priceAt(list, at));
  const isUnreported = record.startedAt === null && (use.seconds > 0 || use.cost > 0n);
  const before = bookedUse(record);
  const after = splitUse(draft, record, { use, billed, at, list, isUnreported });

  const entries = differences(before, after);
  for (const [period, { seconds: usedSeconds, cost: usedCost }] of entries) {
    const reason = reasonOf(record, seconds - before.first.seconds - before.last.seconds, refunded, figures);
    book(draft, record, period, { kind: 'correct', usedSeconds, usedCost, reason, actor: 'reconciler' });
    if (isUnreported && period === after.firstPeriod) {
      changeQuota(draft, period, { sessionCount: quotaOf(draft, period).sessionCount + 1 });
    }
    publish(draft, period, 'corrected', record.id);
  }

  const isSplit = after.lastPeriod !== after.firstPeriod;
  changeRecord(draft, record, {
    vendorMode,
    ...(isUnreported && {
      status: record.status === 'expired' ? 'completed' : record.status,
      startedAt: at,
      endedAt: Math.max(figures?.endedAt?.getTime() ?? at, at),
    }),
    billingPeriod: after.firstPeriod,
    quotaPeriod: after.lastPeriod,
    settledSeconds: isSplit ? after.first.seconds : 0,
    settledCost: isSplit ? after.first.cost : 0n,
    actualSeconds: use.seconds,
    actualCost: use.cost,
    vendorCredits: figures?.credits ?? null,
    vendorEndReason: figures?.endReason ?? null,
    reconciledAt: draft.now,
  });
  return entries.size > 0;
}

/** The mode that the vendor names, where it has a price; else the one that was asked for. */
function termsOf(draft: Draft, record: StoredRecord, mode: string | null, at: Instant) {
  const named =
    mode === null ? null : { vendorMode: mode, list: draft.rules.prices.listFor({ ...record, vendorMode: mode }) };
  if (named?.list.some(({ startsAt }) => startsAt <= at)) return named;
  return { vendorMode: record.vendorMode, list: draft.rules.prices.listFor(record) };
}

function bookedUse(record: StoredRecord): Split {
  const seconds = record.actualSeconds ?? record.durationSeconds;
  const cost = record.actualCost ?? record.estimatedCost;
  return {
    firstPeriod: record.billingPeriod,
    lastPeriod: record.quotaPeriod,
    first: { seconds: record.settledSeconds, cost: record.settledCost },
    last: { seconds: seconds - record.settledSeconds, cost: cost - record.settledCost },
  };
}

interface Bill {
  readonly use: Use;
  readonly billed: number;
  readonly at: Instant;
  readonly list: readonly PriceStep[];
  readonly isUnreported: boolean;
}

/** A started second belongs to the month in which it started, and what is rounded up to the month of the last second. */
function splitUse({ rules }: Draft, record: StoredRecord, { use, billed, at, list, isUnreported }: Bill): Split {
  const firstPeriod = isUnreported ? rules.periodOf(at) : record.billingPeriod;
  const room = secondsBetween(at, rules.endOf(firstPeriod));
  const isWithin = use.seconds <= room;
  const first = isWithin ? use : { seconds: room, cost: costOfSeconds(list, at, Math.min(billed, room)) };
  const lastOfOne = isUnreported ? firstPeriod : record.quotaPeriod;
  return {
    firstPeriod,
    lastPeriod: isWithin ? lastOfOne : nextPeriod(firstPeriod),
    first,
    last: { seconds: use.seconds - first.seconds, cost: use.cost - first.cost },
  };
}

function differences(before: Split, after: Split): Map<BillingPeriod, Use> {
  const sums = new Map<BillingPeriod, Use>();
  const add = (period: BillingPeriod, { seconds, cost }: Use, sign: 1 | -1) => {
    const sum = sums.get(period) ?? { seconds: 0, cost: 0n };
    sums.set(period, { seconds: sum.seconds + sign * seconds, cost: sum.cost + BigInt(sign) * cost });
  };
  add(before.firstPeriod, before.first, -1);
  add(before.lastPeriod, before.last, -1);
  add(after.firstPeriod, after.first, 1);
  add(after.lastPeriod, after.last, 1);
  return new Map([...sums].filter(([, { seconds, cost }]) => seconds !== 0 || cost !== 0n));
}

function reasonOf(
  record: StoredRecord,
  longer: number,
  refunded: boolean,
  figures: VendorFigures | null,
): CorrectionReason {
  if (record.startedAt === null) return 'unreported_use';
  if (!figures) return 'never_started';
  if (refunded) return 'refunded';
  if (longer > 1) return 'ran_longer';
  return longer < -1 ? 'ended_sooner' : 'vendor_figures';
}
