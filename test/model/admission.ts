import type { Admission } from '../../src/domain/admission.ts';
import { nextPeriod } from '../../src/domain/period.ts';
import type { HoldRequest } from '../../src/domain/store.ts';
import { withinAccount } from './account.ts';
import { endOnDemand, unsettledCost } from './endings.ts';
import {
  bySeniority,
  ensureQuota,
  hold,
  type Instant,
  lapseAt,
  limitsOf,
  type ModelRecord,
  type ModelUser,
  openRecords,
  periodOf,
  type Rules,
  roomOf,
  settledSeconds,
  wholeSeconds,
} from './model.ts';
import { moveRecords } from './months.ts';
import { affordable, dearest, priceList, revisionOf, type Terms } from './prices.ts';

// Which token the model grants, and which records it supersedes.

export function holdToken(user: ModelUser, rules: Rules, request: HoldRequest, now: Instant): Admission {
  const period = periodOf(rules, now);
  moveRecords(user, rules, leftBehind(user, rules, now), now);
  const terms = termsOf(rules, request, now);
  const givingWay: ModelRecord[] = [];
  let admission = decide(user, rules, request, terms, period, now, givingWay);
  if (admission.outcome !== 'granted') return admission;
  for (const record of givingWay) endOnDemand(user, rules, record, 'superseded', now);
  // what had run over its deadline may have left less than foreseen
  if (givingWay.length > 0) admission = decide(user, rules, request, terms, period, now, []);
  if (admission.outcome !== 'granted') return admission;
  const record: ModelRecord = {
    id: request.recordId,
    sessionId: request.sessionId,
    mode: request.vendorMode,
    fallbackPrice: request.pricePerMinute,
    cap: request.vendorCaps ? admission.grantSeconds : null,
    createdAt: now,
    streamId: null,
    attached: false,
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
  const tooMany = Math.max(others.length - (policy.maxConcurrentSessions - 1), 0);
  if (tooMany > unused.length) return { outcome: 'concurrency' };
  yielding.push(...openRecords(user).filter((r) => r.sessionId === sessionId), ...unused.slice(0, tooMany));

  // as if they had ended
  const after = structuredClone(user);
  for (const { id } of yielding) {
    const record = after.records.find((r) => r.id === id);
    // what has ended in last month is left to the sweeper
    if (record?.holdingPeriod === period) keepUsed(rules, record, now);
  }
  const room = roomOf(after, rules, period);
  const seconds = affordable(0, room.cost, terms);
  const grantSeconds = Math.max(Math.min(room.seconds, seconds, policy.maxSessionSeconds), 0);
  if (grantSeconds < policy.minSessionSeconds) {
    return { outcome: 'exceeded', limit: seconds < room.seconds ? 'cost' : 'minutes' };
  }
  return withinAccount(grantSeconds, after, yielding.length, rules, terms, period);
}

/** Leaves of a hold what was used up to now or its deadline. */
function keepUsed(rules: Rules, record: ModelRecord, now: Instant): void {
  const { countedFrom, expiresAt } = record;
  const used = countedFrom === null ? 0 : wholeSeconds(countedFrom, Math.min(now, expiresAt ?? now));
  record.heldSeconds = used;
  record.heldCost = unsettledCost(rules, record, settledSeconds(record) + used);
}
