import { periodAt, periodEnd } from '../../src/domain/period.ts';
import type { QuotaPolicy } from '../../src/domain/policy.ts';
import type { EndReason, UsageStatus } from '../../src/domain/session.ts';
import {
  affordable,
  holdCost,
  type ModelPrice,
  type PriceLine,
  type PriceList,
  priceList,
  revisionOf,
  type Terms,
} from './prices.ts';

// The service as it should be, in memory: what docs/decisions say, written without a look at the statements. Of the domain
// it borrows the calendar only. Quotas keep no counters here: used and held are sums over the records.

/** Milliseconds since 1970. */
export type Instant = number;

export interface Share {
  seconds: number;
  cost: bigint;
}

export interface ModelRecord {
  readonly id: string;
  readonly sessionId: string;
  readonly mode: string;
  /** Where no dated price is in force. */
  readonly fallbackPrice: bigint;
  /** What the vendor enforces by itself, in seconds. */
  readonly cap: number | null;
  readonly createdAt: Instant;
  streamId: string | null;
  attached: boolean;
  status: UsageStatus;
  endReason: EndReason | null;
  /** The month it started in. */
  period: string;
  /** The month whose quota holds for it. */
  holdingPeriod: string;
  startedAt: Instant | null;
  endedAt: Instant | null;
  /** From here its use counts to the holding month. */
  countedFrom: Instant | null;
  /** How the vendor rounds it up, by the price at its start; null before that. */
  rounding: Omit<Terms, 'perMinute'> | null;
  /** On which it costs since the service looked at its price last; null before its start. */
  line: PriceLine | null;
  /** The revision of the prices that it follows. */
  priceRevision: number;
  expiresAt: Instant | null;
  heldSeconds: number;
  heldCost: bigint;
  /** What of it is settled, by month. */
  settled: Map<string, Share>;
  lastHeartbeatAt: Instant | null;
  /** The latest published notice of its end, in seconds before it. */
  notice: 60 | 15 | null;
  wordsSpoken: number;
  messagesCount: number;
}

export interface ModelQuota {
  limitMinutes: number;
  limitCost: bigint;
  isActive: boolean;
  /** Whether a limit was changed by hand, and the open records have not followed yet. */
  limitsChanged: boolean;
  /** Thresholds that have fired, such as `minutes 80`. */
  fired: Set<string>;
  /** Thresholds that this step has crossed, and that therefore may fire in it. */
  mayFire: Set<string>;
}

export interface ModelStop {
  reason: EndReason;
  attempts: number;
  /** Null once it is confirmed. */
  nextAttemptAt: Instant | null;
}

export interface ModelUser {
  readonly id: string;
  readonly quotas: Map<string, ModelQuota>;
  readonly records: ModelRecord[];
  readonly stops: Map<string, ModelStop>;
}

/** What the rules need to know besides the user. */
export interface Rules {
  readonly policy: QuotaPolicy;
  /** Every stream that some user's record is known by. */
  readonly streams: Set<string>;
  /** Missed heartbeats count from here on: the service was away before. */
  lapsesFrom: Instant;
  prices: readonly ModelPrice[];
  /** Who shares the account with the user. */
  readonly others: readonly ModelUser[];
}

export const isOpen = ({ status }: ModelRecord): boolean => status === 'reserved' || status === 'active';
export const openRecords = (user: ModelUser): ModelRecord[] => user.records.filter(isOpen);

/** Whether prices were entered that a record does not follow yet. */
export const hasOldPrice = ({ prices }: Rules, { mode, priceRevision }: ModelRecord): boolean =>
  priceRevision < revisionOf(prices, mode);

/** Whether open records of a user have a limit or a price to follow. */
export const mustFollow = (user: ModelUser, rules: Rules): boolean =>
  [...user.quotas.values()].some(({ limitsChanged }) => limitsChanged) ||
  openRecords(user).some((record) => hasOldPrice(rules, record));

/** The oldest first. */
export const bySeniority = (a: ModelRecord, b: ModelRecord): number =>
  a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);

export function periodOf({ policy }: Rules, at: Instant): string {
  return periodAt(new Date(at), policy.billingTimeZone);
}

export function endOf({ policy }: Rules, period: string): Instant {
  return periodEnd(period, policy.billingTimeZone).getTime();
}

/** A month's limits: its own or, as long as nothing was written for it, those of the last month before. */
export function limitsOf(user: ModelUser, { policy }: Rules, period: string) {
  const last = [...user.quotas.keys()]
    .filter((month) => month <= period)
    .sort()
    .at(-1);
  const { limitMinutes, limitCost, isActive } = (last !== undefined && user.quotas.get(last)) || {
    limitMinutes: policy.defaultLimitMinutes,
    limitCost: policy.defaultLimitCost,
    isActive: true,
  };
  return { limitMinutes, limitCost, isActive };
}

export function ensureQuota(user: ModelUser, rules: Rules, period: string): ModelQuota {
  let quota = user.quotas.get(period);
  if (!quota) {
    quota = { ...limitsOf(user, rules, period), limitsChanged: false, fired: new Set(), mayFire: new Set() };
    user.quotas.set(period, quota);
  }
  return quota;
}

/** What the ended, and the parts of running sessions in months that are over, have used of a month. */
export function settledOf(user: ModelUser, period: string): Share {
  const shares = user.records.map((record) => record.settled.get(period) ?? { seconds: 0, cost: 0n });
  return { seconds: sum(shares, (share) => share.seconds), cost: sumOfCosts(shares, (share) => share.cost) };
}

/** The holds of a month's open records. */
export function heldOf(user: ModelUser, period: string): Share {
  const holding = openRecords(user).filter((record) => record.holdingPeriod === period);
  return { seconds: sum(holding, (r) => r.heldSeconds), cost: sumOfCosts(holding, (r) => r.heldCost) };
}

/** Limit − settled − all holds. */
export function roomOf(user: ModelUser, rules: Rules, period: string): Share {
  const { limitMinutes, limitCost } = limitsOf(user, rules, period);
  const settled = settledOf(user, period);
  const held = heldOf(user, period);
  return { seconds: limitMinutes * 60 - settled.seconds - held.seconds, cost: limitCost - settled.cost - held.cost };
}

/** As many whole seconds as there is room for, at most those wished for. */
export function fitting(record: ModelRecord, wished: number, room: Share, terms: Terms): number {
  return Math.max(Math.min(wished, room.seconds, affordable(settledSeconds(record), room.cost, terms)), 0);
}

export function hold(record: ModelRecord, seconds: number, terms: Terms): void {
  record.heldSeconds = seconds;
  record.heldCost = holdCost(settledSeconds(record), seconds, terms);
}

export function pricesFor({ prices }: Rules, { mode, fallbackPrice }: ModelRecord): PriceList {
  return priceList(prices, mode, fallbackPrice);
}

/** A started second is a second. */
export function wholeSeconds(from: Instant, to: Instant): number {
  return Math.max(Math.ceil((to - from) / 1000), 0);
}

export function settledSeconds(record: ModelRecord): number {
  return sum([...record.settled.values()], (share) => share.seconds);
}

export function settledCost(record: ModelRecord): bigint {
  return sumOfCosts([...record.settled.values()], (share) => share.cost);
}

/** Which of two notices before the end lie behind. */
export function noticeAt(at: Instant, expiresAt: Instant): 60 | 15 | null {
  if (expiresAt - at <= 15_000) return 15;
  return expiresAt - at <= 60_000 ? 60 : null;
}

/** When a session's heartbeats count as lost; never for one that has sent none. */
export function lapseAt(record: ModelRecord, { policy, lapsesFrom }: Rules): Instant {
  if (record.lastHeartbeatAt === null) return Number.POSITIVE_INFINITY;
  return Math.max(record.lastHeartbeatAt + 3 * policy.heartbeatSeconds * 1000, lapsesFrom);
}

/** When something happens to an open record by itself: its end, its lapse, a notice, the end of its month or of its price. */
export function nextEventOf(record: ModelRecord, rules: Rules): Instant {
  const expiresAt = record.expiresAt ?? Number.POSITIVE_INFINITY;
  const notice = { null: expiresAt - 60_000, 60: expiresAt - 15_000, 15: Number.POSITIVE_INFINITY }[`${record.notice}`];
  return Math.min(
    expiresAt,
    lapseAt(record, rules),
    endOf(rules, record.holdingPeriod),
    record.status === 'active' ? notice : Number.POSITIVE_INFINITY,
    record.line?.until ?? Number.POSITIVE_INFINITY,
  );
}

export function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

export function sumOfCosts<T>(items: readonly T[], value: (item: T) => bigint): bigint {
  return items.reduce((total, item) => total + value(item), 0n);
}
