import type { BillingPeriod } from '../period.ts';
import type { AccountState, Instant, StoredQuota, StoredRecord, UserState } from '../state.ts';
import { ACTS, type Act, type Answer, type Request } from './acts.ts';
import type { DecidedEvent, Draft, LedgerEntry, Rules, StopOrder } from './draft.ts';
import { scheduleRecords, userDue } from './due.ts';
import { refreshThresholds } from './refresh-thresholds.ts';

/** One call on a user's quotas and records. */
export interface Call<Name extends Act = Act> {
  readonly act: Name;
  readonly request: Request<Name>;
}

/** What a decision goes by. */
export interface Circumstances {
  readonly rules: Rules;
  readonly now: Instant;
  /** Shared by the users of a batch, and changed by each. Null without a ceiling. */
  readonly account: AccountState | null;
  /** The vendors' sessions that the calls name and that a record of any user has. */
  readonly takenSessions: ReadonlySet<string>;
}

/** What became of a user by a number of calls, and everything that must be written for it. */
export interface Decision {
  readonly userId: string;
  /** The revision that it was decided on: saved only while the user still has it. */
  readonly revision: number;
  readonly after: UserState;
  readonly quotas: readonly StoredQuota[];
  readonly records: readonly StoredRecord[];
  readonly entries: readonly LedgerEntry[];
  readonly events: readonly DecidedEvent[];
  readonly stops: readonly StopOrder[];
  /** Records whose stop the vendor has confirmed. */
  readonly confirmedStops: readonly string[];
  /** When anything of the user falls due next. */
  readonly dueAt: Instant | null;
  readonly answers: readonly unknown[];
}

/**
 * Decides calls of one user, one after the other, on a state that was loaded. Pure: no I/O, no clock, no randomness. The state
 * that is given stays as it is.
 */
export function decide(state: UserState, calls: readonly Call[], circumstances: Circumstances): Decision {
  const draft = beginDraft(state, circumstances);
  const answers = calls.map(({ act, request }) => perform(draft, act, request, circumstances));
  for (const period of draft.touched) refreshThresholds(draft, period);
  const lapsesFrom = latestLapse(calls);
  scheduleRecords(draft, recordsToSchedule(draft), lapsesFrom);
  return {
    userId: state.userId,
    revision: state.revision,
    after: draft.user,
    quotas: [...draft.changedQuotas],
    records: [...draft.changedRecords],
    entries: draft.entries,
    events: draft.events,
    stops: onePerRecord(draft.stops),
    confirmedStops: [...draft.confirmedStops],
    dueAt: userDue(draft.user),
    answers,
  };
}

/** A working copy of a state, on which acts can be tried without anything being saved. */
export function beginDraft(state: UserState, { rules, now, account }: Omit<Circumstances, 'takenSessions'>): Draft {
  return {
    rules,
    now,
    user: {
      ...state,
      quotas: state.quotas.map((quota) => ({ ...quota })),
      records: state.records.map((record) => ({ ...record })),
      recentTokens: [...state.recentTokens],
    },
    account,
    changedRecords: new Set(),
    changedQuotas: new Set(),
    entries: [],
    events: [],
    stops: [],
    confirmedStops: new Set(),
    touched: new Set<BillingPeriod>(),
  };
}

/** Whether there is nothing to save. */
export function changesNothing(before: UserState, decision: Decision): boolean {
  const { quotas, records, stops, confirmedStops, dueAt } = decision;
  return [quotas, records, stops, confirmedStops].every(({ length }) => length === 0) && dueAt === before.dueAt;
}

function perform<Name extends Act>(
  draft: Draft,
  act: Name,
  request: Request<Name>,
  circumstances: Circumstances,
): Answer<Name> {
  return ACTS[act](draft, request, circumstances);
}

/** Changed records, and those that were due: these are due later now. */
function recordsToSchedule({ user, changedRecords, now }: Draft): StoredRecord[] {
  return user.records.filter((record) => changedRecords.has(record) || (record.dueAt !== null && record.dueAt <= now));
}

function latestLapse(calls: readonly Call[]): Instant {
  return Math.max(
    0,
    ...calls.map((call) => (call.act === 'sweep' ? (call.request as Request<'sweep'>).lapsesFrom : 0)),
  );
}

/** Of several stops of one session the one that is sent again in the most cases. */
function onePerRecord(stops: readonly StopOrder[]): StopOrder[] {
  const byRecord = new Map<string, StopOrder>();
  for (const stop of stops) {
    const known = byRecord.get(stop.recordId);
    if (!known || (stop.againIfConfirmedBefore ?? 0) > (known.againIfConfirmedBefore ?? 0)) {
      byRecord.set(stop.recordId, stop);
    }
  }
  return [...byRecord.values()];
}
