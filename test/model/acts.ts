import type { Admission } from '../../src/domain/admission.ts';
import type { LimitChange } from '../../src/domain/limits.ts';
import type {
  AttachRequest,
  CloseRequest,
  ConfirmedStop,
  EndRequest,
  FailedStart,
  HeartbeatRequest,
  Held,
  HoldRequest,
  QuotaStore,
  SavedOutcome,
  SessionCap,
  StartedRecord,
  StartRequest,
} from '../../src/domain/store.ts';
import { holdToken } from './admission.ts';
import { endOnDemand, endRecord, noteStop } from './endings.ts';
import { followLimits } from './limits.ts';
import {
  endOf,
  ensureQuota,
  type Instant,
  isOpen,
  type ModelRecord,
  type ModelUser,
  noticeAt,
  periodOf,
  pricesFor,
  type Rules,
  tokenExpiresAt,
  wholeSeconds,
} from './model.ts';
import { moveRecords } from './months.ts';
import { lineAt, priceAt } from './prices.ts';
import { noteCrossings } from './thresholds.ts';
import { capSession, confirmStart, confirmStop, failStart } from './vendor-acts.ts';

/** One call of one user, on one of two nodes. */
export type Act = { readonly userId: string; readonly node: 0 | 1 } & (
  | { readonly kind: 'hold'; readonly request: HoldRequest }
  | { readonly kind: 'attach'; readonly request: AttachRequest }
  | { readonly kind: 'start'; readonly request: StartRequest }
  | { readonly kind: 'heartbeat'; readonly request: HeartbeatRequest }
  | { readonly kind: 'end'; readonly request: EndRequest }
  | { readonly kind: 'close'; readonly request: CloseRequest }
  | { readonly kind: 'failStart'; readonly request: FailedStart }
  | { readonly kind: 'confirmStart'; readonly request: StartedRecord }
  | { readonly kind: 'confirmStop'; readonly request: ConfirmedStop }
  | { readonly kind: 'cap'; readonly request: SessionCap }
  | { readonly kind: 'changeLimits'; readonly request: LimitChange }
);

type Outcome = { readonly outcome: string; readonly recordId: string | null };
export type Answer = Admission | Outcome | boolean | undefined;

const NOT_FOUND: Outcome = { outcome: 'not_found', recordId: null };

/** Carries the call out on the service. */
export async function carryOut(store: QuotaStore, act: Act): Promise<Answer> {
  switch (act.kind) {
    case 'hold':
      return admissionOf(await store.hold(act.request));
    case 'attach':
      return (await store.attach(act.request)) !== null;
    case 'start':
      return outcomeOf(await store.start(act.request));
    case 'heartbeat':
      return outcomeOf(await store.heartbeat(act.request));
    case 'end':
      return outcomeOf(await store.end(act.request));
    case 'close':
      return (await store.close(act.request)) ?? undefined;
    case 'failStart':
      return (await store.failStart(act.request)) ?? undefined;
    case 'confirmStart':
      return store.confirmStart(act.request);
    case 'confirmStop':
      return (await store.confirmStop(act.request)) ?? undefined;
    case 'cap':
      return (await store.cap(act.request)) ?? undefined;
    case 'changeLimits':
      return (await store.changeLimits(act.request)) ?? undefined;
  }
}

function outcomeOf({ outcome, saved }: SavedOutcome<string>): Outcome {
  return { outcome, recordId: saved?.record.id ?? null };
}

/** Carries the call out on the model, by a node's clock; returns what the service must answer. */
export function foretell(user: ModelUser, rules: Rules, act: Act, now: Instant): Answer {
  const answer = carryOutOnModel(user, rules, act, now);
  noteCrossings(user, rules, now);
  return answer;
}

function carryOutOnModel(user: ModelUser, rules: Rules, act: Act, now: Instant): Answer {
  switch (act.kind) {
    case 'hold':
      return holdToken(user, rules, act.request, now);
    case 'attach':
      return attach(user, rules, act.request, now);
    case 'start':
      return start(user, rules, act.request, now);
    case 'heartbeat':
      return heartbeat(user, act.request, now);
    case 'end':
      return end(user, rules, act.request, now);
    case 'close': {
      const record = user.records.find(({ id }) => id === act.request.recordId);
      if (record) endOnDemand(user, rules, record, act.request.reason, now);
      return undefined;
    }
    case 'failStart':
      failStart(user, rules, act.request, now);
      return undefined;
    case 'confirmStart':
      return confirmStart(user, act.request, now);
    case 'confirmStop':
      confirmStop(user, act.request, now);
      return undefined;
    case 'cap':
      capSession(user, rules, act.request, now);
      return undefined;
    case 'changeLimits':
      changeLimits(user, rules, act.request, now);
      return undefined;
  }
}

function attach(user: ModelUser, rules: Rules, request: AttachRequest, now: Instant): boolean {
  const record = user.records.find(({ id }) => id === request.recordId);
  if (!record) return false;
  record.streamId = request.avatarSessionId;
  record.attached = true;
  const isAlive = record.expiresAt !== null && record.expiresAt > now;
  if (record.status === 'reserved' && record.heldSeconds > 0 && isAlive) {
    record.sealedToken = request.sealedToken ?? null;
    record.tokenEndsAt = request.tokenEndsAt?.getTime() ?? null;
    record.expiresAt = tokenExpiresAt(rules, record.tokenEndsAt, now);
    return true;
  }
  noteStop(user, record, now);
  return false;
}

function start(user: ModelUser, rules: Rules, request: StartRequest, now: Instant): Outcome {
  const { sessionId, avatarSessionId } = request;
  const known = rules.streams.has(avatarSessionId) || user.records.some((r) => r.streamId === avatarSessionId);
  const record = user.records.find((r) =>
    known
      ? r.streamId === avatarSessionId && r.sessionId === sessionId
      : r.streamId === null && r.attached && r.status === 'reserved' && r.sessionId === sessionId,
  );
  if (!record) return NOT_FOUND;
  const answer = (outcome: string) => ({ outcome, recordId: record.id });
  if (record.status === 'active') return answer('already_started');
  if (record.status !== 'reserved') return answer('ended');

  const inTime = () => record.expiresAt !== null && record.expiresAt > now;
  if (inTime() && endOf(rules, record.holdingPeriod) <= now) moveRecords(user, rules, [record], now);
  record.streamId = avatarSessionId;
  if (!inTime()) {
    endRecord(user, rules, record, 'token_expired', now, now);
    return answer('ended');
  }
  record.status = 'active';
  record.period = record.holdingPeriod;
  record.startedAt = now;
  record.countedFrom = now;
  record.unseenSeconds = request.isReported ? wholeSeconds(record.createdAt, now) : 0;
  const { step, minimum } = priceAt(pricesFor(rules, record), now);
  record.rounding = { step, minimum };
  record.line = lineAt(pricesFor(rules, record), now, now);
  record.expiresAt = now + record.heldSeconds * 1000;
  record.notice = noticeAt(now, record.expiresAt);
  return answer('started');
}

function heartbeat(user: ModelUser, request: HeartbeatRequest, now: Instant): Outcome {
  const record = user.records.find((r) => r.streamId === request.avatarSessionId);
  if (!record || record.status === 'reserved') return NOT_FOUND;
  if (record.status !== 'active') return { outcome: 'ended', recordId: record.id };
  record.lastHeartbeatAt = Math.max(now, record.lastHeartbeatAt ?? now);
  noteTotals(record, request);
  return { outcome: 'alive', recordId: record.id };
}

function end(user: ModelUser, rules: Rules, request: EndRequest, now: Instant): Outcome {
  const record = user.records.find((r) => r.streamId === request.avatarSessionId);
  if (!record) return NOT_FOUND;
  const outcome = isOpen(record) ? 'ended' : 'already_ended';
  noteTotals(record, request);
  endOnDemand(user, rules, record, request.errorMessage === null ? 'user_ended' : 'client_error', now);
  return { outcome, recordId: record.id };
}

/** Totals never shrink. */
function noteTotals(record: ModelRecord, { wordsSpoken, messagesCount }: HeartbeatRequest): void {
  record.wordsSpoken = Math.max(record.wordsSpoken, wordsSpoken ?? 0);
  record.messagesCount = Math.max(record.messagesCount, messagesCount ?? 0);
}

/** From this month on, months that were entered ahead included. */
function changeLimits(user: ModelUser, rules: Rules, change: LimitChange, now: Instant): void {
  const period = periodOf(rules, now);
  ensureQuota(user, rules, period);
  const following: string[] = [];
  for (const [month, quota] of user.quotas) {
    if (month < period) continue;
    const wanted = {
      limitMinutes: change.limitMinutes ?? quota.limitMinutes,
      limitCost: change.limitCost ?? quota.limitCost,
      isActive: change.isActive ?? quota.isActive,
    };
    const same =
      wanted.limitMinutes === quota.limitMinutes &&
      wanted.limitCost === quota.limitCost &&
      wanted.isActive === quota.isActive;
    Object.assign(quota, wanted);
    if (!same || quota.limitsChanged) following.push(month);
  }
  followLimits(user, rules, following, now);
}

/** What a hold is answered, without what the answer to the user shows of it. */
function admissionOf(held: Held): Admission {
  if (held.outcome !== 'reissued') return held;
  const { saved: _, ...reissue } = held;
  return reissue;
}
