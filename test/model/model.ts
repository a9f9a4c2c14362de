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
  sessionId: string;
  readonly mode: string;
  /** Where no dated price is in force. */
  readonly fallbackPrice: bigint;
  readonly avatarName: string;
  /** What the vendor enforces by itself, in seconds. A start can lower it. */
  readonly cap: number | null;
  /** The cap that the vendor named at the start. */
  namedCap: number | null;
  readonly createdAt: Instant;
  streamId: string | null;
  attached: boolean;
  /** The token, if it can be handed out again. */
  sealedToken: string | null;
  /** Until when the vendor accepts the token, if the page has the vendor's own. */
  tokenEndsAt: Instant | null;
  /** How long it may have run at the vendor before its start was reported here. */
  unseenSeconds: number;
  /** Whether it ended here and keeps its place until the vendor confirms its stop. */
  isStopping: boolean;
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
/** Whether a record takes a place: those that are open, and those that the vendor still has to stop. */
export const takesPlace = (record: ModelRecord): boolean => isOpen(record) || record.isStopping;
/** Ended records that the vendor may still bill. */
export const isOutstanding = (record: ModelRecord): boolean =>
  !isOpen(record) && (record.isStopping || record.heldSeconds > 0);
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

/** What is held in a month for open records, and for ended ones that the vendor may still bill. */
export function heldOf(user: ModelUser, period: string): Share {
  const holding = user.records.filter((record) => record.holdingPeriod === period);
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

/** The seconds after which the vendor ends a session by itself. */
export function vendorCap({ cap, namedCap }: ModelRecord): number {
  return Math.min(cap ?? Number.POSITIVE_INFINITY, namedCap ?? Number.POSITIVE_INFINITY);
}

/** When the vendor ends a session by itself, as far as its start is known here. */
export function cappedAt(record: ModelRecord): Instant {
  return record.startedAt === null ? Number.POSITIVE_INFINITY : record.startedAt + vendorCap(record) * 1000;
}

/** The last moment at which the vendor can bill a token or its session. Never for a token that has not left the service. */
export function billableUntil(record: ModelRecord): Instant {
  if (record.startedAt !== null) return cappedAt(record);
  return record.tokenEndsAt === null ? Number.NEGATIVE_INFINITY : record.tokenEndsAt + vendorCap(record) * 1000;
}

/** The vendor's word on an ended record is waited for until a day after it can have billed anything. */
export function patienceEndsAt(record: ModelRecord): Instant {
  const until = billableUntil(record);
  return (Number.isFinite(until) ? until : (record.endedAt ?? record.createdAt)) + 24 * 60 * 60 * 1000;
}

/** When something happens by itself to an ended record that the vendor may still bill. */
export function nextEventOfEnded(record: ModelRecord): Instant {
  return Math.min(patienceEndsAt(record), record.isStopping ? cappedAt(record) : Number.POSITIVE_INFINITY);
}

/** When an unused token that is handed out now expires. */
export function tokenExpiresAt({ policy }: Rules, tokenEndsAt: Instant | null, now: Instant): Instant {
  return Math.min(now + policy.tokenTtlSeconds * 1000, tokenEndsAt ?? Number.POSITIVE_INFINITY);
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
