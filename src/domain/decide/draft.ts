import type { QuotaEventReason } from '../events.ts';
import type { Micros } from '../money.ts';
import type { BillingPeriod } from '../period.ts';
import type { QuotaPolicy } from '../policy.ts';
import type { PriceBook, PriceStep } from '../price-book.ts';
import type { EndReason } from '../session.ts';
import {
  type AccountState,
  type Instant,
  isOpen,
  type StoredQuota,
  type StoredRecord,
  type UserState,
} from '../state.ts';
import { accountMonth } from './account-room.ts';
import { firstVersion } from './version.ts';

/** What every decision goes by, beside the state. */
export interface Rules {
  readonly policy: QuotaPolicy;
  /** Ascending, the limit itself (100) included. */
  readonly thresholds: readonly number[];
  /** How long after its last heartbeat a session ends. */
  readonly lapseSeconds: number;
  readonly prices: PriceBook;
  readonly periodOf: (at: Instant) => BillingPeriod;
  readonly startOf: (period: BillingPeriod) => Instant;
  readonly endOf: (period: BillingPeriod) => Instant;
}

export type LedgerKind = 'hold' | 'release' | 'settle' | 'correct' | 'adjust' | 'move';

/** One change of a quota's sums, and why. */
export interface LedgerEntry {
  readonly userId: string;
  readonly period: BillingPeriod;
  readonly recordId: string;
  readonly kind: LedgerKind;
  readonly usedSeconds: number;
  readonly usedCost: Micros;
  readonly heldSeconds: number;
  readonly heldCost: Micros;
  readonly reason: string;
  /** Who caused it: a user ID, or the part of the service that acted. */
  readonly actor: string;
  readonly at: Instant;
}

export interface DecidedEvent {
  readonly period: BillingPeriod;
  readonly version: number;
  readonly reason: QuotaEventReason;
  readonly at: Instant;
  readonly recordId: string | null;
}

/** A stop that the vendor must confirm. */
export interface StopOrder {
  readonly recordId: string;
  readonly vendor: string;
  readonly avatarSessionId: string;
  readonly reason: EndReason;
  /** A stop that was confirmed before this moment is sent once more. Null leaves an earlier one as it is. */
  readonly againIfConfirmedBefore: Instant | null;
}

/**
 * The state of one user while calls are decided on it, and what these decisions write. The acts of this folder change it;
 * {@link decide} makes it and returns what became of it, so that nothing outside sees it change.
 */
export interface Draft {
  readonly rules: Rules;
  readonly now: Instant;
  readonly user: UserState;
  /** Shared by all users of a batch. Null without a ceiling. */
  readonly account: AccountState | null;
  readonly changedRecords: Set<StoredRecord>;
  readonly changedQuotas: Set<StoredQuota>;
  readonly entries: LedgerEntry[];
  readonly events: DecidedEvent[];
  readonly stops: StopOrder[];
  /** Records whose stop the vendor has confirmed. */
  readonly confirmedStops: Set<string>;
  /** Quotas whose thresholds are looked at when the calls are decided. */
  readonly touched: Set<BillingPeriod>;
}

export function findQuota({ user }: Draft, period: BillingPeriod): StoredQuota | undefined {
  return user.quotas.find((quota) => quota.period === period);
}

/** The quota of a month; a month without one begins with the limits of the last month before it, or the defaults. */
export function quotaOf(draft: Draft, period: BillingPeriod): StoredQuota {
  return findQuota(draft, period) ?? beginQuota(draft, period);
}

function beginQuota({ user, rules }: Draft, period: BillingPeriod): StoredQuota {
  const quota = startingQuota(user, rules.policy, period);
  user.quotas.push(quota);
  user.quotas.sort((a, b) => (a.period < b.period ? -1 : 1));
  return quota;
}

/** How the quota of a month begins. */
export function startingQuota(user: UserState, policy: QuotaPolicy, period: BillingPeriod): StoredQuota {
  const last = user.quotas.findLast((quota) => quota.period < period);
  return {
    period,
    limitMinutes: last?.limitMinutes ?? policy.defaultLimitMinutes,
    limitCost: last?.limitCost ?? policy.defaultLimitCost,
    isActive: last?.isActive ?? true,
    usedSeconds: 0,
    usedCost: 0n,
    heldSeconds: 0,
    heldCost: 0n,
    sessionCount: 0,
    version: firstVersion(period),
    nextThresholdAt: null,
    limitsChangedAt: null,
    alerts: [],
  };
}

/** What is left of a quota for holds. */
export interface Room {
  seconds: number;
  cost: Micros;
}

export function roomOf({ limitMinutes, limitCost, usedSeconds, usedCost, heldSeconds, heldCost }: StoredQuota): Room {
  return { seconds: limitMinutes * 60 - usedSeconds - heldSeconds, cost: limitCost - usedCost - heldCost };
}

export function openRecords({ user }: Draft): StoredRecord[] {
  return user.records.filter(isOpen);
}

export function changeQuota(draft: Draft, period: BillingPeriod, changes: Partial<StoredQuota>): StoredQuota {
  const quota = Object.assign(quotaOf(draft, period), changes);
  draft.changedQuotas.add(quota);
  draft.touched.add(period);
  return quota;
}

export function changeRecord(draft: Draft, record: StoredRecord, changes: Partial<StoredRecord>): StoredRecord {
  Object.assign(record, changes, { updatedAt: draft.now });
  draft.changedRecords.add(record);
  return record;
}

interface Booking extends Pick<LedgerEntry, 'kind' | 'reason' | 'actor'> {
  readonly usedSeconds?: number;
  readonly usedCost?: Micros;
  readonly heldSeconds?: number;
  readonly heldCost?: Micros;
}

/**
 * Enters a change of a quota's sums in the ledger. The only place where they change, so that quotas, the account and the
 * ledger balance by construction.
 */
export function book(draft: Draft, record: StoredRecord, period: BillingPeriod, booking: Booking): void {
  const { usedSeconds = 0, usedCost = 0n, heldSeconds = 0, heldCost = 0n, kind, reason, actor } = booking;
  const { user, account, now } = draft;
  draft.entries.push({
    userId: user.userId,
    period,
    recordId: record.id,
    kind,
    usedSeconds,
    usedCost,
    heldSeconds,
    heldCost,
    reason,
    actor,
    at: now,
  });
  const quota = quotaOf(draft, period);
  changeQuota(draft, period, {
    usedSeconds: quota.usedSeconds + usedSeconds,
    usedCost: quota.usedCost + usedCost,
    heldSeconds: quota.heldSeconds + heldSeconds,
    heldCost: quota.heldCost + heldCost,
  });
  if (account) {
    const month = accountMonth(account, period);
    month.usedCost += usedCost;
    month.heldCost += heldCost;
  }
}

/** Raises the quota's version: a client that knows an earlier one does not know its present figures. */
export function raiseVersion(draft: Draft, period: BillingPeriod): number {
  return changeQuota(draft, period, { version: quotaOf(draft, period).version + 1 }).version;
}

/** Raises the quota's version, and notifies its user of the change. */
export function publish(draft: Draft, period: BillingPeriod, reason: QuotaEventReason, recordId: string | null): void {
  const version = raiseVersion(draft, period);
  draft.events.push({ period, version, reason, at: draft.now, recordId });
}

/** Notes that the vendor must stop a record's session, if it has one. One that it runs in any case is not stopped yet. */
export function orderStop(draft: Draft, record: StoredRecord, againIfConfirmedBefore: Instant | null = null): void {
  if (record.avatarSessionId === null || record.endReason === null) return;
  if (againIfConfirmedBefore === Number.POSITIVE_INFINITY) draft.confirmedStops.delete(record.id);
  draft.stops.push({
    recordId: record.id,
    vendor: record.vendor,
    avatarSessionId: record.avatarSessionId,
    reason: record.endReason,
    againIfConfirmedBefore,
  });
}

/** Notes that the vendor has confirmed a record's stop. An order that was decided just before is carried out with it. */
export function noteConfirmedStop({ confirmedStops, stops }: Draft, recordId: string): void {
  confirmedStops.add(recordId);
  stops.forEach((stop, index) => {
    if (stop.recordId === recordId) stops[index] = { ...stop, againIfConfirmedBefore: null };
  });
}

export function priceListOf({ rules }: Draft, record: StoredRecord): readonly PriceStep[] {
  return rules.prices.listFor(record);
}

/** Whole seconds between two moments; a started second counts. */
export function secondsBetween(from: Instant, until: Instant): number {
  return Math.ceil(Math.max(until - from, 0) / 1000);
}

/** By age: where room is short, the oldest record comes first. */
export function byAge(a: StoredRecord, b: StoredRecord): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}

/** The seconds after which the vendor ends a session by itself: the lower of the two caps. Infinity without a cap. */
export function vendorCap({ vendorCapSeconds, effectiveCapSeconds }: StoredRecord): number {
  return Math.min(vendorCapSeconds ?? Number.POSITIVE_INFINITY, effectiveCapSeconds ?? Number.POSITIVE_INFINITY);
}

/** When the vendor ends a running session by itself. Infinity where it does not. */
export function vendorEndsAt(record: StoredRecord): Instant {
  return (record.startedAt ?? Number.POSITIVE_INFINITY) + vendorCap(record) * 1000;
}
