import type pg from 'pg';
import type { Decision } from '../domain/decide/decide.ts';
import { formatMoney } from '../domain/money.ts';
import { type StoredQuota, takesPlace, type UserState } from '../domain/state.ts';
import type { AccountThresholdKey } from './account-thresholds.ts';
import { saveStatement, type UserPart } from './save-statement.ts';
import { instantText, quotaToJson, recordToJson } from './stored-rows.ts';

/** A notification carries less than 8,000 bytes, and an event takes up to 1,700 of them, most of them for the user's ID. */
const EVENTS_PER_NOTIFICATION = 4;

/** A decision, and the state that it was decided on. */
export interface Decided {
  readonly before: UserState;
  readonly decision: Decision;
}

/** What a batch changes of the account that all users share. */
export interface AccountChange {
  /** The version that holds were decided on: if it has changed, nothing is saved. Null for a batch without a hold. */
  readonly version: number | null;
  /** Thresholds of the ceiling that the batch reached. */
  readonly fired: readonly AccountThresholdKey[];
}

/** What a batch was decided by. */
export interface SaveTerms {
  readonly priceRevision: number;
  /** Null without a ceiling. */
  readonly account: AccountChange | null;
  readonly now: Date;
}

/**
 * Writes a batch of decisions in one statement and one commit, and notifies: for those users alone who still have the revision
 * that was decided on. A user of whom another transaction holds a row at this moment is treated as changed, so that no one
 * waits.
 *
 * @returns the users whose decisions were saved
 */
export async function save(
  database: Pick<pg.Pool | pg.PoolClient, 'query'>,
  batch: readonly Decided[],
  { priceRevision, account, now }: SaveTerms,
): Promise<ReadonlySet<string>> {
  const decisions = batch.map(({ decision }) => decision);
  const statement = saveStatement({
    users: batch.map(userRow),
    quotas: decisions.flatMap(({ userId, quotas }) =>
      quotas.map((quota) => ({ user_id: userId, ...quotaToJson(quota) })),
    ),
    records: decisions.flatMap(({ userId, records }) =>
      records.map((record) => ({ user_id: userId, ...recordToJson(record) })),
    ),
    entries: decisions.flatMap(({ entries }) => entries).map(entryRow),
    alerts: batch.flatMap(alertRows),
    stops: decisions.flatMap(stopRows),
    confirmedStops: decisions.flatMap(({ userId, confirmedStops }) =>
      confirmedStops.map((recordId) => ({ user_id: userId, record_id: recordId })),
    ),
    account: account && { version: account.version, thresholds: account.fired.map(thresholdRow) },
    priceRevision,
    wakeAt: wakeAt(batch, now),
    now,
  });
  const { rows } = await database.query<{ userId: string }>({ ...statement, values: [...statement.values] });
  return new Set(rows.map(({ userId }) => userId));
}

function userRow({ before, decision }: Decided): UserPart {
  const { userId, revision, dueAt, events, after, quotas, records } = decision;
  const knownPeriods = new Set(before.quotas.map(({ period }) => period));
  const knownRecords = new Set(before.records.map(({ id }) => id));
  const openSessions = after.records.filter(takesPlace).length - before.records.filter(takesPlace).length;
  return {
    user_id: userId,
    revision,
    due_at: dueAt === null ? null : instantText(dueAt),
    events: notifications(events.map((event) => ({ userId, ...event }))),
    open_sessions: openSessions,
    books: decision.entries.length > 0 || openSessions !== 0,
    periods: quotas.map(({ period }) => period).filter((period) => knownPeriods.has(period)),
    record_ids: records.map(({ id }) => id).filter((id) => knownRecords.has(id)),
  };
}

/** The earliest moment at which something falls due that the sweepers do not know of: a stop at once, a user's next due time. */
function wakeAt(batch: readonly Decided[], now: Date): number | null {
  const moments = batch.flatMap(({ before, decision: { dueAt, stops } }) => {
    if (stops.length > 0) return [now.getTime()];
    return dueAt !== null && dueAt < (before.dueAt ?? Number.POSITIVE_INFINITY) ? [dueAt] : [];
  });
  return moments.length === 0 ? null : Math.floor(Math.min(...moments));
}

/** Events in their order, as many in a notification as it may carry. */
function notifications(events: readonly object[]): string[] {
  const texts: string[] = [];
  for (let first = 0; first < events.length; first += EVENTS_PER_NOTIFICATION) {
    texts.push(JSON.stringify(events.slice(first, first + EVENTS_PER_NOTIFICATION)));
  }
  return texts;
}

function entryRow(entry: Decision['entries'][number], position: number): object {
  return {
    user_id: entry.userId,
    period: entry.period,
    record_id: entry.recordId,
    entry: entry.kind,
    used_seconds: entry.usedSeconds,
    used_cost: formatMoney(entry.usedCost),
    held_seconds: entry.heldSeconds,
    held_cost: formatMoney(entry.heldCost),
    reason: entry.reason,
    actor: entry.actor,
    created_at: instantText(entry.at),
    position,
  };
}

/** Thresholds that have fired since, and those that can fire again. */
function alertRows({ before, decision: { userId, quotas } }: Decided): object[] {
  return quotas.flatMap((quota) => {
    const known = before.quotas.find(({ period }) => period === quota.period)?.alerts ?? [];
    const row = (alert: StoredQuota['alerts'][number], fired: boolean) => ({
      user_id: userId,
      period: quota.period,
      quota_limit: alert.limit,
      threshold_percent: alert.thresholdPercent,
      crossed_at: alert.crossedAt.toISOString(),
      fired,
    });
    return [
      ...quota.alerts.filter((alert) => !known.includes(alert)).map((alert) => row(alert, true)),
      ...known.filter((alert) => !quota.alerts.includes(alert)).map((alert) => row(alert, false)),
    ];
  });
}

function thresholdRow({ period, thresholdPercent }: AccountThresholdKey): object {
  return { period, threshold_percent: thresholdPercent };
}

function stopRows({ userId, stops }: Decision): object[] {
  return stops.map((stop) => ({
    user_id: userId,
    record_id: stop.recordId,
    vendor: stop.vendor,
    avatar_session_id: stop.avatarSessionId,
    reason: stop.reason,
    again_before: againBefore(stop.againIfConfirmedBefore),
  }));
}

function againBefore(instant: number | null): string | null {
  if (instant === null) return null;
  return Number.isFinite(instant) ? instantText(instant) : 'infinity';
}
