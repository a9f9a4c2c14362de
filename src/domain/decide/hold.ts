import type { Admission, Prospect } from '../admission.ts';
import type { Micros } from '../money.ts';
import type { BillingPeriod } from '../period.ts';
import type { Price } from '../price.ts';
import { affordableHold, dearestPrice, holdCost, priceAt, pricedAs, unsettledCost } from '../price-book.ts';
import type { QuotaLimit } from '../quota.ts';
import { countToken, nextTokenAt } from '../quota-state.ts';
import { isOutstanding, type StoredRecord } from '../state.ts';
import type { HoldRequest, Wish } from '../store.ts';
import { closeNow } from './close-record.ts';
import {
  book,
  byAge,
  type Draft,
  openRecords,
  priceListOf,
  publish,
  quotaOf,
  type Room,
  roomOf,
  secondsBetween,
} from './draft.ts';
import { lapseAt } from './due.ts';
import { moveRecords } from './move-records.ts';
import { mayHaveStarted, returnsAt } from './outstanding.ts';
import { roomOfAccount } from './refit-holds.ts';
import { findUnusedToken, handOutAgain } from './reissue.ts';
import { warnOfAccount } from './warn-of-account.ts';

/**
 * Reserves quota for a token, or finds an unused one that can be handed out again. A refused call changes nothing, but that
 * sessions which run on from last month are taken past its end first, and that the conversation's own session ends.
 */
export function hold(draft: Draft, request: HoldRequest): Admission {
  const period = draft.rules.periodOf(draft.now);
  const admission = foresee(draft, request);
  if (admission.outcome === 'reissued') return handOutAgain(draft, admission.recordId, request.sessionId);
  if (admission.outcome !== 'granted') return admission;

  const yielding = recordsGivingWay(draft, request.sessionId) ?? [];
  for (const record of yielding) closeNow(draft, record, { reason: 'superseded', actor: 'hold' });
  // What they return is known exactly only now.
  const granted = yielding.length > 0 ? admit(draft, request) : admission;
  if (granted.outcome === 'granted' && granted.grantSeconds < admission.grantSeconds && isStopping(draft)) {
    // In a moment it gets all of it.
    return { outcome: 'concurrency', ...mayReturn(draft) };
  }
  if (granted.outcome === 'granted') reserve(draft, request, period, granted.grantSeconds);
  return granted;
}

/** What {@link hold} would answer. On a draft that is not saved, it changes nothing. */
export function foresee(draft: Draft, wish: Wish): Admission {
  moveRecords(draft, runningOnFromBefore(draft, draft.rules.periodOf(draft.now)));
  return (isActive(draft) && findUnusedToken(draft, wish)) || admit(draft, wish);
}

function isActive(draft: Draft): boolean {
  return quotaOf(draft, draft.rules.periodOf(draft.now)).isActive;
}

/**
 * What a token for a conversation would get at this moment, or why it would be refused.
 *
 * It supersedes open records of the same conversation and, at the limit of concurrent sessions, the oldest unused tokens; a
 * running session of another conversation is never superseded. What the vendor may still bill for a superseded record stays
 * held, but for the session of the same conversation, whose stop the vendor is expected to confirm. The grant is the least of
 * the available seconds, the available cost at the dearest price that can apply, and the largest grant. Changes nothing.
 */
function admit(draft: Draft, wish: Wish): Admission {
  const { rules, now, user } = draft;
  const { policy } = rules;
  const period = rules.periodOf(now);
  const quota = quotaOf(draft, period);
  if (!quota.isActive) return { outcome: 'inactive' };
  const retryAt = nextTokenAt(user, policy.maxTokensPerMinute, now);
  if (retryAt !== null) return { outcome: 'rate_limited', retryAt: new Date(retryAt) };
  const yielding = recordsGivingWay(draft, wish.sessionId);
  if (!yielding) return { outcome: 'concurrency', ...mayReturn(draft) };

  const room = roomOf(quota);
  const returned = returnOf(draft, yielding, period);
  const price = priceOfWish(draft, wish);
  const seconds = room.seconds + returned.seconds;
  const affordable = affordableHold(0, room.cost + returned.cost, price);
  const grantSeconds = Math.max(Math.min(seconds, affordable, policy.maxSessionSeconds), 0);
  if (grantSeconds < policy.minSessionSeconds) {
    const limit: QuotaLimit = affordable < seconds ? 'cost' : 'minutes';
    return { outcome: 'exceeded', limit, ...mayReturn(draft) };
  }
  return withinAccount(draft, grantSeconds, yielding.length, returned, price);
}

/** What may return to a user who is refused. */
function mayReturn(draft: Draft): { readonly prospect?: Prospect } {
  const outstanding = draft.user.records.filter(isOutstanding);
  if (outstanding.length === 0) return {};
  const retryAt = returnsAt(draft);
  return { prospect: { retryAt: retryAt === null ? null : new Date(retryAt), isStopping: isStopping(draft) } };
}

function isStopping({ user }: Draft): boolean {
  return user.records.some((record) => record.isStopping);
}

/** What the account's ceilings leave of a grant, once those that it supersedes are gone. */
function withinAccount(draft: Draft, grantSeconds: number, leaving: number, returned: Return, price: Price): Admission {
  const { account, rules, now } = draft;
  const { accountMaxSessions, minSessionSeconds } = rules.policy;
  if (account && accountMaxSessions !== null && account.openSessions - leaving >= accountMaxSessions) {
    return { outcome: 'account_crowded', ...mayReturn(draft) };
  }
  const { cost: returnedCost, heldCost } = returned;
  const room = roomOfAccount(draft, rules.periodOf(now), { returnedCost, heldCost });
  const affordable = room === null ? Number.POSITIVE_INFINITY : affordableHold(0, room, price);
  const fitting = Math.min(grantSeconds, affordable);
  if (fitting < minSessionSeconds) return { outcome: 'account_exceeded', ...mayReturn(draft) };
  return { outcome: 'granted', grantSeconds: fitting };
}

/** The records that end for a new token of a conversation. Null if running sessions leave no place for it. */
function recordsGivingWay(draft: Draft, sessionId: string | null): StoredRecord[] | null {
  const open = openRecords(draft).sort(byAge);
  const others = open.filter((record) => record.sessionId !== sessionId);
  const unused = others.filter(({ status }) => status === 'reserved');
  const stopping = draft.user.records.filter(({ isStopping }) => isStopping);
  const places = draft.rules.policy.maxConcurrentSessions - 1;
  const excess = Math.max(others.length - places, 0);
  // The place of a session that is being stopped is free in a moment: no other token ends for it.
  if (excess > unused.length || others.length - excess + stopping.length > places) return null;
  return [...open.filter((record) => record.sessionId === sessionId), ...unused.slice(0, excess)];
}

interface Return extends Room {
  /** What the records hold of the month, used or not. */
  heldCost: Micros;
}

/**
 * What records return to a month when they end now. One that holds of another month returns nothing to it, nor does a token that
 * may be used past this service.
 */
function returnOf(draft: Draft, records: readonly StoredRecord[], period: BillingPeriod): Return {
  const { now } = draft;
  let seconds = 0;
  let cost = 0n;
  let totalHeldCost = 0n;
  for (const record of records) {
    if (record.quotaPeriod !== period || (record.startedAt === null && mayHaveStarted(record))) continue;
    const { countedFrom, expiresAt, settledSeconds, heldSeconds, heldCost } = record;
    const used = countedFrom === null ? 0 : secondsBetween(countedFrom, Math.min(now, expiresAt ?? now));
    seconds += heldSeconds - used;
    totalHeldCost += heldCost;
    cost +=
      heldCost - (countedFrom === null ? 0n : unsettledCost(record, priceListOf(draft, record), settledSeconds + used));
  }
  return { seconds, cost, heldCost: totalHeldCost };
}

/** Sessions and tokens of the months before. Those that have ended by the clock are left to the sweeper, and return nothing. */
function runningOnFromBefore(draft: Draft, period: BillingPeriod): StoredRecord[] {
  return openRecords(draft).filter(
    (record) =>
      record.quotaPeriod < period &&
      Math.min(record.expiresAt ?? draft.now, lapseAt(record, draft.rules, 0)) > draft.now,
  );
}

/**
 * The highest price that can apply to a token requested now and to its session. The token must be minted within its time to
 * live, which then starts again.
 */
function priceOfWish(draft: Draft, wish: Omit<Wish, 'sessionId'>): Price {
  const { rules, now } = draft;
  const { tokenTtlSeconds, maxSessionSeconds } = rules.policy;
  const list = rules.prices.listFor(pricedAs(rules.prices, rules.policy, wish));
  return dearestPrice(list, now, now + (2 * tokenTtlSeconds + maxSessionSeconds) * 1000);
}

function reserve(draft: Draft, request: HoldRequest, period: BillingPeriod, grantSeconds: number): void {
  const { now, rules, user, account } = draft;
  const terms = pricedAs(rules.prices, rules.policy, request);
  const { perMinute, billingStepSeconds, minimumSeconds } = priceAt(rules.prices.listFor(terms), now);
  const heldCost = holdCost(0, grantSeconds, priceOfWish(draft, request));
  const record: StoredRecord = {
    ...terms,
    id: request.recordId,
    sessionId: request.sessionId,
    avatarSessionId: null,
    avatarName: request.avatarName,
    status: 'reserved',
    endReason: null,
    errorMessage: null,
    startedAt: null,
    endedAt: null,
    durationSeconds: 0,
    estimatedCost: 0n,
    wordsSpoken: 0,
    messagesCount: 0,
    billingPeriod: period,
    quotaPeriod: period,
    priceRevision: rules.prices.revisionFor(terms),
    billingStepSeconds,
    minimumSeconds,
    pricePerMinute: perMinute,
    pricedSeconds: 0,
    pricedCost: 0n,
    priceUntil: null,
    grantSeconds,
    vendorCapSeconds: request.vendorCaps ? grantSeconds : null,
    effectiveCapSeconds: null,
    heldSeconds: grantSeconds,
    heldCost,
    settledSeconds: 0,
    settledCost: 0n,
    countedFrom: null,
    tokenHash: null,
    sealedToken: null,
    tokenEndsAt: null,
    unseenSeconds: 0,
    isStopping: false,
    actualSeconds: null,
    actualCost: null,
    vendorCredits: null,
    vendorEndReason: null,
    reconciledAt: null,
    expiresAt: now + rules.policy.tokenTtlSeconds * 1000,
    lastHeartbeatAt: null,
    endingNotice: null,
    dueAt: null,
    createdAt: now,
    updatedAt: now,
  };
  user.records.push(record);
  countToken(user, rules.policy.maxTokensPerMinute, now);
  draft.changedRecords.add(record);
  book(draft, record, period, {
    kind: 'hold',
    heldSeconds: grantSeconds,
    heldCost,
    reason: 'token_created',
    actor: user.userId,
  });
  publish(draft, period, 'token_created', record.id);
  if (account) account.openSessions += 1;
  warnOfAccount(draft, period);
}
