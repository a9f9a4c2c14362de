import type { Admission } from '../../src/domain/admission.ts';
import { affordableSeconds } from '../../src/domain/price.ts';
import type { HoldRequest } from '../../src/domain/store.ts';
import { endOnDemand } from './endings.ts';
import {
  bySeniority,
  ensureQuota,
  hold,
  type Instant,
  type ModelRecord,
  type ModelUser,
  openRecords,
  periodOf,
  type Rules,
  roomOf,
  wholeSeconds,
} from './model.ts';

// Who gets a token in the model, and who gives way to it.

export function holdToken(user: ModelUser, rules: Rules, request: HoldRequest, now: Instant): Admission {
  const period = periodOf(rules, now);
  ensureQuota(user, rules, period);
  const givingWay: ModelRecord[] = [];
  let admission = decide(user, rules, request, period, now, givingWay);
  if (admission.outcome !== 'granted') return admission;
  for (const record of givingWay) endOnDemand(user, rules, record, 'superseded', now);
  // what had run over its deadline may have left less than foreseen
  if (givingWay.length > 0) admission = decide(user, rules, request, period, now, []);
  if (admission.outcome !== 'granted') return admission;
  const record: ModelRecord = {
    id: request.recordId,
    sessionId: request.sessionId,
    pricePerMinute: request.pricePerMinute,
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
    expiresAt: now + rules.policy.tokenTtlSeconds * 1000,
    heldSeconds: 0,
    heldCost: 0n,
    settled: new Map(),
    lastHeartbeatAt: null,
    notice: null,
    wordsSpoken: 0,
    messagesCount: 0,
  };
  hold(record, admission.grantSeconds);
  user.records.push(record);
  return admission;
}

/** Least of room in seconds, room in cost and the largest grant, after those that give way: they are put into `yielding`. */
function decide(
  user: ModelUser,
  rules: Rules,
  { sessionId, pricePerMinute }: HoldRequest,
  period: string,
  now: Instant,
  yielding: ModelRecord[],
): Admission {
  const { policy } = rules;
  if (!ensureQuota(user, rules, period).isActive) return { outcome: 'inactive' };

  const grants = user.records
    .filter((record) => record.createdAt > now - 60_000 && record.endReason !== 'vendor_error')
    .map((record) => record.createdAt)
    .sort((a, b) => b - a);
  const nth = grants[policy.maxTokensPerMinute - 1];
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
    if (record) hold(record, record.countedFrom === null ? 0 : usedUntil(record, now));
  }
  const room = roomOf(after, rules, period);
  const affordable = affordableSeconds(room.cost, pricePerMinute);
  const grantSeconds = Math.max(Math.min(room.seconds, affordable, policy.maxSessionSeconds), 0);
  if (grantSeconds >= policy.minSessionSeconds) return { outcome: 'granted', grantSeconds };
  return { outcome: 'exceeded', limit: affordable < room.seconds ? 'cost' : 'minutes' };
}

function usedUntil(record: ModelRecord, now: Instant): number {
  return wholeSeconds(record.countedFrom ?? now, Math.min(now, record.expiresAt ?? now));
}
