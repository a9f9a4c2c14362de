import { calendarOf } from '../../src/database/decision-rules.ts';
import type { Act, Answer, Request } from '../../src/domain/decide/acts.ts';
import { type Call, type Decision, decide } from '../../src/domain/decide/decide.ts';
import type { DecidedEvent, LedgerEntry, Rules, StopOrder } from '../../src/domain/decide/draft.ts';
import { firstVersion } from '../../src/domain/decide/version.ts';
import { heartbeatLapseSeconds, type QuotaPolicy } from '../../src/domain/policy.ts';
import { createPriceBook, type StoredPrice } from '../../src/domain/price-book.ts';
import type { OpenRecord, QuotaState } from '../../src/domain/quota.ts';
import {
  type AccountState,
  type Instant,
  isOpen,
  isOutstanding,
  type StoredRecord,
  type UserState,
} from '../../src/domain/state.ts';
import { everyThreshold } from '../../src/domain/thresholds.ts';
import { DEFAULT_POLICY } from './policy.ts';

/** The moment at which stories begin. */
export const START = Date.parse('2026-11-10T12:00:00.000Z');

/** What decisions go by: the defaults of the settings and these. */
export function rulesOf(settings: Partial<QuotaPolicy> = {}, prices: readonly StoredPrice[] = []): Rules {
  const policy = { ...DEFAULT_POLICY, ...settings };
  return {
    policy,
    thresholds: everyThreshold(policy.thresholds),
    lapseSeconds: heartbeatLapseSeconds(policy),
    prices: createPriceBook(prices),
    ...calendarOf(policy.billingTimeZone),
  };
}

/** 0.50 a minute, by the second, since 1970. */
export function datedPrice(price: Partial<StoredPrice> = {}): StoredPrice {
  return {
    vendor: 'simulator',
    vendorMode: 'FULL',
    currency: DEFAULT_POLICY.currency,
    effectiveFrom: new Date(0),
    perMinute: 500_000n,
    billingStepSeconds: 1,
    minimumSeconds: 0,
    isList: false,
    revision: 1,
    ...price,
  };
}

/** A user of whom nothing is known yet. */
export function newUser(userId = 'ann'): UserState {
  return { userId, revision: 0, dueAt: null, quotas: [], records: [], recentTokens: [] };
}

/** An account of which nothing is used. */
export function newAccount(): AccountState {
  return { months: new Map(), openSessions: 0, alerts: new Map() };
}

interface DeciderOptions {
  /** @default 'ann' */
  readonly userId?: string;
  readonly policy?: Partial<QuotaPolicy>;
  /** Shared by the users of an account with a ceiling. @default null */
  readonly account?: AccountState | null;
  readonly now?: Instant;
}

/** What one act came to. */
export interface Step {
  readonly before: UserState;
  readonly decision: Decision;
  /** Decides the same call on the same state once more. Without an account. */
  readonly again: () => Decision;
}

/** One user without a database: applies {@link decide} to the state as it is, and keeps the books. */
export interface Decider {
  now: Instant;
  readonly rules: Rules;
  /** As the database would have it: frozen, with the records that have ended. */
  readonly state: UserState;
  readonly entries: readonly LedgerEntry[];
  readonly events: readonly DecidedEvent[];
  readonly stops: readonly StopOrder[];
  readonly lastStep: Step | null;
  act<Name extends Act>(name: Name, request: Request<Name>): Answer<Name>;
  /** Enters a price: in force at once, followed by open records with the next sweep. */
  enterPrice(price: Partial<StoredPrice>): void;
  /** Lets the clock run to a moment and sweeps whenever something is due on the way. */
  runUntil(at: Instant): void;
}

export function createDecider({
  userId = 'ann',
  policy = {},
  account = null,
  now: start = START,
}: DeciderOptions = {}): Decider {
  let now = start;
  let prices: StoredPrice[] = [];
  let rules = rulesOf(policy);
  let state = deepFreeze(newUser(userId));
  let lastStep: Step | null = null;
  const entries: LedgerEntry[] = [];
  const events: DecidedEvent[] = [];
  const stops: StopOrder[] = [];

  function act<Name extends Act>(name: Name, request: Request<Name>): Answer<Name> {
    const before = loaded(state, request, now, rules.policy);
    const calls = [{ act: name, request } as Call];
    const takenSessions = new Set(state.records.flatMap(({ avatarSessionId }) => avatarSessionId ?? []));
    const circumstances = { rules, now, takenSessions };
    const decision = decide(before, calls, { ...circumstances, account });
    state = deepFreeze(saved(state, decision));
    entries.push(...decision.entries);
    events.push(...decision.events);
    stops.push(...decision.stops);
    lastStep = { before, decision, again: () => decide(before, calls, { ...circumstances, account: null }) };
    return decision.answers[0] as Answer<Name>;
  }

  return {
    get now() {
      return now;
    },
    set now(at) {
      now = at;
    },
    get rules() {
      return rules;
    },
    get state() {
      return state;
    },
    get lastStep() {
      return lastStep;
    },
    entries,
    events,
    stops,
    act,
    enterPrice(price) {
      const entered = { ...datedPrice(price), revision: 1 + Math.max(0, ...prices.map(({ revision }) => revision)) };
      const isReplaced = (other: StoredPrice) =>
        other.vendorMode === entered.vendorMode && other.effectiveFrom.getTime() === entered.effectiveFrom.getTime();
      prices = [...prices.filter((other) => !isReplaced(other)), entered];
      rules = { ...rules, prices: createPriceBook(prices) };
    },
    runUntil(at) {
      while (state.dueAt !== null && state.dueAt <= at) {
        now = Math.max(now, state.dueAt);
        act('sweep', { lapsesFrom: 0 });
      }
      now = at;
    },
  };
}

/** The state as it is loaded for an act: of the records that the vendor bills no more only those that the act names. */
function loaded(state: UserState, request: object, now: Instant, { maxTokensPerMinute }: QuotaPolicy): UserState {
  const named = new Set(Object.values({ ...request, ...('figures' in request ? (request.figures as object) : {}) }));
  const isNamed = ({ id, avatarSessionId }: StoredRecord) => named.has(id) || named.has(avatarSessionId);
  const recentTokens = state.records
    .filter(({ createdAt }) => createdAt > now - 60_000)
    .map(({ createdAt }) => createdAt)
    .sort((a, b) => b - a)
    .slice(0, maxTokensPerMinute);
  return deepFreeze({
    ...state,
    records: state.records.filter((record) => isOpen(record) || isOutstanding(record) || isNamed(record)),
    recentTokens,
  });
}

/** The state as it is once a decision is saved. */
function saved(state: UserState, { quotas, records, dueAt }: Decision): UserState {
  const merged = new Map(state.records.map((record) => [record.id, record]));
  for (const record of records) merged.set(record.id, record);
  const months = new Map(state.quotas.map((quota) => [quota.period, quota]));
  for (const quota of quotas) months.set(quota.period, quota);
  return {
    ...state,
    revision: state.revision + 1,
    dueAt,
    quotas: [...months.values()].sort((a, b) => (a.period < b.period ? -1 : 1)),
    records: [...merged.values()].sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)),
  };
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}

/** A user with this quota, its open records and nothing else. */
export function userWith(quota: QuotaState): UserState {
  return {
    ...newUser(quota.userId),
    quotas: [
      {
        period: quota.period,
        limitMinutes: quota.limitMinutes,
        limitCost: quota.limitCost,
        usedSeconds: quota.settledSeconds,
        usedCost: quota.settledCost,
        heldSeconds: quota.reservedSeconds,
        heldCost: quota.reservedCost,
        sessionCount: quota.sessionCount,
        isActive: quota.isActive,
        version: firstVersion(quota.period),
        nextThresholdAt: null,
        limitsChangedAt: null,
        alerts: [...quota.alerts],
      },
    ],
    records: quota.openRecords.map((record) => storedRecord(record, quota.period)),
  };
}

function storedRecord(record: OpenRecord, period: string): StoredRecord {
  const countedFrom = record.countedFrom?.getTime() ?? null;
  return {
    id: record.id,
    sessionId: record.sessionId,
    avatarSessionId: null,
    avatarName: 'default',
    vendor: 'simulator',
    vendorMode: 'FULL',
    currency: DEFAULT_POLICY.currency,
    status: record.status,
    endReason: null,
    errorMessage: null,
    startedAt: countedFrom,
    endedAt: null,
    durationSeconds: 0,
    estimatedCost: 0n,
    wordsSpoken: 0,
    messagesCount: 0,
    billingPeriod: period,
    quotaPeriod: period,
    fallbackPrice: record.pricePerMinute,
    priceRevision: 0,
    billingStepSeconds: record.billingStepSeconds,
    minimumSeconds: record.minimumSeconds,
    pricePerMinute: record.pricePerMinute,
    pricedSeconds: record.pricedSeconds,
    pricedCost: record.pricedCost,
    priceUntil: null,
    grantSeconds: record.heldSeconds,
    vendorCapSeconds: null,
    effectiveCapSeconds: null,
    heldSeconds: record.heldSeconds,
    heldCost: record.heldCost,
    settledSeconds: record.settledSeconds,
    settledCost: 0n,
    countedFrom,
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
    expiresAt: countedFrom === null ? START + 300_000 : countedFrom + record.heldSeconds * 1000,
    lastHeartbeatAt: null,
    endingNotice: null,
    dueAt: null,
    createdAt: record.createdAt.getTime(),
    updatedAt: record.createdAt.getTime(),
  };
}
