import type { Micros } from './money.ts';
import type { QuotaPolicy } from './policy.ts';
import { affordableGrant, billedSeconds, type Price, sessionCost } from './price.ts';
import type { OpenRecord, QuotaLimit, QuotaState } from './quota.ts';
import { consumedMilliseconds } from './quota.ts';

/** What a token would get at a moment, or why it would be refused. */
export type Admission =
  | { readonly outcome: 'granted'; readonly grantSeconds: number }
  | { readonly outcome: 'inactive' }
  | { readonly outcome: 'rate_limited'; readonly retryAt: Date }
  | { readonly outcome: 'concurrency' }
  | { readonly outcome: 'exceeded'; readonly limit: QuotaLimit }
  | { readonly outcome: 'account_crowded' }
  | { readonly outcome: 'account_exceeded' };

/**
 * The rule of admission: what a token for the given conversation would get.
 *
 * Open records of the same conversation give way to it, and at the limit of concurrent sessions the oldest unused
 * tokens; a running session of another conversation never does. The grant is the least of available seconds, available
 * cost ÷ price and the largest grant. The price is the dearest that can apply.
 *
 * Without a conversation, it is one that has no open record.
 *
 * This predicts. What decides is decide_holds in the database, under the quota's lock; a test holds the two together.
 */
export function admit(
  state: QuotaState,
  policy: QuotaPolicy,
  price: Price,
  sessionId: string | null,
  at: Date,
): Admission {
  if (!state.isActive) return { outcome: 'inactive' };
  if (state.nextTokenAt) return { outcome: 'rate_limited', retryAt: state.nextTokenAt };

  const yielding = recordsGivingWay(state.openRecords, policy.maxConcurrentSessions, sessionId);
  if (!yielding) return { outcome: 'concurrency' };

  const seconds =
    state.limitMinutes * 60 -
    state.settledSeconds -
    state.reservedSeconds +
    sum(yielding, (r) => returnedSeconds(r, at));
  const cost =
    state.limitCost - state.settledCost - state.reservedCost + yielding.reduce((s, r) => s + returnedCost(r, at), 0n);
  const affordable = affordableGrant(cost, price);
  const grantSeconds = Math.max(Math.min(seconds, affordable, policy.maxSessionSeconds), 0);
  if (grantSeconds >= policy.minSessionSeconds) return { outcome: 'granted', grantSeconds };
  return { outcome: 'exceeded', limit: affordable < seconds ? 'cost' : 'minutes' };
}

/** What the account's own ceilings leave for all users together; null where there is no such ceiling. */
export interface AccountRoom {
  readonly cost: Micros | null;
  readonly places: number | null;
}

/** The same once those who would give way to a token of the conversation are gone. */
export function roomAfter(
  room: AccountRoom,
  state: QuotaState,
  { maxConcurrentSessions }: QuotaPolicy,
  sessionId: string | null,
  at: Date,
): AccountRoom {
  const yielding = recordsGivingWay(state.openRecords, maxConcurrentSessions, sessionId) ?? [];
  return {
    cost: room.cost === null ? null : yielding.reduce((cost, record) => cost + returnedCost(record, at), room.cost),
    places: room.places === null ? null : room.places + yielding.length,
  };
}

/** What of an admission the account has room for. Foretells, as {@link admit} does, what fit_to_account decides. */
export function withinAccount(
  admission: Admission,
  room: AccountRoom,
  { minSessionSeconds }: QuotaPolicy,
  price: Price,
): Admission {
  if (admission.outcome !== 'granted') return admission;
  if (room.places !== null && room.places < 1) return { outcome: 'account_crowded' };
  const affordable = room.cost === null ? Number.POSITIVE_INFINITY : affordableGrant(room.cost, price);
  const grantSeconds = Math.min(admission.grantSeconds, affordable);
  return grantSeconds < minSessionSeconds ? { outcome: 'account_exceeded' } : { outcome: 'granted', grantSeconds };
}

/** The records that end for a new token of a conversation; null if running sessions leave no place for it. */
function recordsGivingWay(
  open: readonly OpenRecord[],
  maxConcurrentSessions: number,
  sessionId: string | null,
): OpenRecord[] | null {
  const sameConversation = open.filter((record) => record.sessionId === sessionId);
  const others = open.filter((record) => record.sessionId !== sessionId);
  const unused = others
    .filter((record) => record.status === 'reserved')
    .sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  const excess = Math.max(others.length - (maxConcurrentSessions - 1), 0);
  return excess > unused.length ? null : [...sameConversation, ...unused.slice(0, excess)];
}

function settledSeconds(record: OpenRecord, at: Date): number {
  return Math.ceil(consumedMilliseconds(record, at) / 1000);
}

function returnedSeconds(record: OpenRecord, at: Date): number {
  return record.heldSeconds - settledSeconds(record, at);
}

function returnedCost(record: OpenRecord, at: Date): bigint {
  const consumed = settledSeconds(record, at);
  // an unused token has not begun a month, nor a billing step
  if (!record.countedFrom) return record.heldCost;
  const billed = billedSeconds(record.settledSeconds + consumed, record) - record.settledSeconds;
  return record.heldCost - record.pricedCost - sessionCost(billed - record.pricedSeconds, record.pricePerMinute);
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
