import type { Admission, Prospect } from '../../src/domain/admission.ts';
import { nextPeriod } from '../../src/domain/period.ts';
import type { HoldRequest } from '../../src/domain/store.ts';
import { withinAccount } from './account.ts';
import { endOnDemand, unsettledCost } from './endings.ts';
import {
  billableUntil,
  bySeniority,
  ensureQuota,
  hold,
  type Instant,
  isOutstanding,
  lapseAt,
  limitsOf,
  type ModelRecord,
  type ModelUser,
  openRecords,
  periodOf,
  type Rules,
  roomOf,
  settledSeconds,
  takesPlace,
  tokenExpiresAt,
  wholeSeconds,
} from './model.ts';
import { moveRecords } from './months.ts';
import { affordable, dearest, priceList, revisionOf, type Terms } from './prices.ts';

// Which token the model grants, and which records it supersedes.

export function holdToken(user: ModelUser, rules: Rules, request: HoldRequest, now: Instant): Admission {
  const period = periodOf(rules, now);
  moveRecords(user, rules, leftBehind(user, rules, now), now);
  const unused = limitsOf(user, rules, period).isActive && handOutAgain(user, rules, request, now);
  if (unused) return unused;
  const terms = termsOf(rules, request, now);
  const givingWay: ModelRecord[] = [];
  let admission = decide(user, rules, request, terms, period, now, givingWay);
  if (admission.outcome !== 'granted') return admission;
  for (const record of givingWay) endOnDemand(user, rules, record, 'superseded', now);
  // what had run over its deadline may have left less than foreseen
  const foreseen = admission.grantSeconds;
  if (givingWay.length > 0) admission = decide(user, rules, request, terms, period, now, []);
  if (admission.outcome !== 'granted') return admission;
  // a moment later, when the stop is confirmed, it gets all that was foreseen
  const isStopping = user.records.some((record) => record.isStopping);
  if (admission.grantSeconds < foreseen && isStopping) return { outcome: 'concurrency', ...mayReturn(user, now) };
  const record: ModelRecord = {
    id: request.recordId,
    sessionId: request.sessionId,
    avatarName: request.avatarName,
    mode: request.vendorMode,
    fallbackPrice: request.pricePerMinute,
    cap: request.vendorCaps ? admission.grantSeconds : null,
    namedCap: null,
    createdAt: now,
    streamId: null,
    attached: false,
    sealedToken: null,
    tokenEndsAt: null,
    unseenSeconds: 0,
    isStopping: false,
    status: 'reserved',
    endReason: null,
    period,
    holdingPeriod: period,
    startedAt: null,
    endedAt: null,
    countedFrom: null,
    rounding: null,
    line: null,
    priceRevision: revisionOf(rules.prices, request.vendorMode),
    expiresAt: now + rules.policy.tokenTtlSeconds * 1000,
    heldSeconds: 0,
    heldCost: 0n,
    settled: new Map(),
    lastHeartbeatAt: null,
    notice: null,
    wordsSpoken: 0,
    messagesCount: 0,
  };
  ensureQuota(user, rules, period);
  hold(record, admission.grantSeconds, terms);
  user.records.push(record);
  return admission;
}

/**
 * An unused token of the same avatar is handed out again: the conversation's own or, where no place is left, the oldest of
 * another conversation, which then belongs to this one. Null where a token must be minted.
 */
function handOutAgain(user: ModelUser, rules: Rules, request: HoldRequest, now: Instant): Admission | null {
  const { maxConcurrentSessions, minSessionSeconds } = rules.policy;
  const unused = openRecords(user)
    .filter(({ status, avatarName, mode }) => {
      return status === 'reserved' && avatarName === request.avatarName && mode === request.vendorMode;
    })
    .sort(bySeniority);
  const own = unused.filter(({ sessionId }) => sessionId === request.sessionId).reverse();
  const isFull = user.records.filter(takesPlace).length >= maxConcurrentSessions;
  const isUsable = ({ sealedToken, expiresAt, tokenEndsAt, heldSeconds }: ModelRecord) =>
    sealedToken !== null &&
    (expiresAt ?? 0) > now &&
    (tokenEndsAt ?? Number.POSITIVE_INFINITY) >= now + 30_000 &&
    heldSeconds >= minSessionSeconds;
  const token = (own.length === 0 && isFull ? unused : own).find(isUsable);
  if (token?.sealedToken) {
    const expiresAt = tokenExpiresAt(rules, token.tokenEndsAt, now);
    token.sessionId = request.sessionId;
    token.expiresAt = expiresAt;
    return {
      outcome: 'reissued',
      recordId: token.id,
      avatarSessionId: token.streamId,
      sealedToken: token.sealedToken,
      expiresAt: new Date(expiresAt),
      grantSeconds: token.heldSeconds,
    };
  }
  const minting = own.find(({ attached, createdAt }) => !attached && createdAt > now - 15_000);
  return minting ? { outcome: 'minting', grantSeconds: minting.heldSeconds } : null;
}

/** Records that still hold of last month and have not ended: they hold of this month before anyone else. */
function leftBehind(user: ModelUser, rules: Rules, now: Instant): ModelRecord[] {
  const period = periodOf(rules, now);
  const isOver = (record: ModelRecord) =>
    Math.min(record.expiresAt ?? now, lapseAt(record, { ...rules, lapsesFrom: 0 })) <= now;
  return openRecords(user).filter((record) => nextPeriod(record.holdingPeriod) === period && !isOver(record));
}

/** The dearest price that can apply while a token of now and its session can live. */
function termsOf({ policy, prices }: Rules, { vendorMode, pricePerMinute }: HoldRequest, now: Instant): Terms {
  const until = now + (2 * policy.tokenTtlSeconds + policy.maxSessionSeconds) * 1000;
  return dearest(priceList(prices, vendorMode, pricePerMinute), now, until);
}

/** Least of room in seconds, room in cost and the largest grant, after the superseded records, which are put into `yielding`. */
function decide(
  user: ModelUser,
  rules: Rules,
  { sessionId }: HoldRequest,
  terms: Terms,
  period: string,
  now: Instant,
  yielding: ModelRecord[],
): Admission {
  const { policy } = rules;
  if (!limitsOf(user, rules, period).isActive) return { outcome: 'inactive' };

  const requests = user.records
    .filter((record) => record.createdAt > now - 60_000)
    .map((record) => record.createdAt)
    .sort((a, b) => b - a);
  const nth = requests[policy.maxTokensPerMinute - 1];
  if (nth !== undefined) return { outcome: 'rate_limited', retryAt: new Date(nth + 60_000) };

  const others = openRecords(user).filter((record) => record.sessionId !== sessionId);
  const unused = others.filter((record) => record.status === 'reserved').sort(bySeniority);
  const stopping = user.records.filter(({ isStopping }) => isStopping);
  const tooMany = Math.max(others.length - (policy.maxConcurrentSessions - 1), 0);
  const places = policy.maxConcurrentSessions - (others.length - tooMany) - stopping.length;
  // no token ends for a place that a session is about to leave
  if (tooMany > unused.length || places < 1) return { outcome: 'concurrency', ...mayReturn(user, now) };
  yielding.push(...openRecords(user).filter((r) => r.sessionId === sessionId), ...unused.slice(0, tooMany));

  // as if they had ended
  const after = structuredClone(user);
  for (const { id } of yielding) {
    const record = after.records.find((r) => r.id === id);
    // what has ended in last month is left to the sweeper
    if (!record || record.holdingPeriod !== period) continue;
    const mayRun = record.startedAt === null && record.tokenEndsAt !== null;
    if (!mayRun) keepUsed(rules, record, now);
  }
  const room = roomOf(after, rules, period);
  const seconds = affordable(0, room.cost, terms);
  const grantSeconds = Math.max(Math.min(room.seconds, seconds, policy.maxSessionSeconds), 0);
  if (grantSeconds < policy.minSessionSeconds) {
    return { outcome: 'exceeded', limit: seconds < room.seconds ? 'cost' : 'minutes', ...mayReturn(user, now) };
  }
  const admission = withinAccount(grantSeconds, after, yielding.length, rules, terms, period);
  return admission.outcome === 'granted' ? admission : { ...admission, ...mayReturn(user, now) };
}

/** When a refused user may try again: a stop is confirmed in seconds, what a token holds returns when it cannot be billed. */
function mayReturn(user: ModelUser, now: Instant): { prospect?: Prospect } {
  const outstanding = user.records.filter(isOutstanding);
  if (outstanding.length === 0) return {};
  const soonest = Math.min(
    ...outstanding.map((record) => (record.isStopping ? now + 5000 : Math.max(billableUntil(record), now))),
  );
  return {
    prospect: {
      retryAt: Number.isFinite(soonest) ? new Date(soonest) : null,
      isStopping: outstanding.some(({ isStopping }) => isStopping),
    },
  };
}

/** Leaves of a hold what was used up to now or its deadline. */
function keepUsed(rules: Rules, record: ModelRecord, now: Instant): void {
  const { countedFrom, expiresAt } = record;
  const used = countedFrom === null ? 0 : wholeSeconds(countedFrom, Math.min(now, expiresAt ?? now));
  record.heldSeconds = used;
  record.heldCost = unsettledCost(rules, record, settledSeconds(record) + used);
}
