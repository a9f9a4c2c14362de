import type pg from 'pg';
import type { Admission } from '../domain/admission.ts';
import type { LimitChange } from '../domain/limits.ts';
import { formatMoney } from '../domain/money.ts';
import { heartbeatLapseSeconds, type QuotaPolicy } from '../domain/policy.ts';
import type { QuotaLimit } from '../domain/quota.ts';
import type {
  AttachRequest,
  CloseRequest,
  EndRequest,
  HeartbeatRequest,
  HoldRequest,
  RecordOutcome,
  StartRequest,
} from '../domain/store.ts';
import { everyThreshold } from '../domain/thresholds.ts';
import { accountCostLimit } from './account.ts';

/**
 * The statements of the hot path: each one SQL call over arrays, its rules in prisma/migrations. Within one call every
 * user (for attach and close: every record) may stand once.
 */

/** hold_tokens: outcomes in the order of the requests. */
export async function holdTokens(
  pool: pg.Pool,
  requests: readonly HoldRequest[],
  policy: QuotaPolicy,
  now: Date,
): Promise<Admission[]> {
  const { rows } = await pool.query<{
    user_id: string;
    outcome: Admission['outcome'];
    exceeded_limit: QuotaLimit;
    grant_seconds: number;
    retry_at: Date;
  }>({
    name: 'hold_tokens',
    text: 'SELECT * FROM hold_tokens($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)',
    values: [
      now,
      requests.map((request) => request.recordId),
      requests.map((request) => request.userId),
      requests.map((request) => request.sessionId),
      requests.map((request) => request.avatarName),
      requests.map((request) => request.vendor),
      requests.map((request) => request.vendorMode),
      requests.map((request) => request.vendorCaps),
      requests.map((request) => formatMoney(request.pricePerMinute)),
      policy.priceIsSet,
      policy.currency,
      policy.defaultLimitMinutes,
      formatMoney(policy.defaultLimitCost),
      policy.minSessionSeconds,
      policy.maxSessionSeconds,
      policy.maxConcurrentSessions,
      policy.maxTokensPerMinute,
      policy.tokenTtlSeconds,
      heartbeatLapseSeconds(policy),
      everyThreshold(policy.thresholds),
      accountCostLimit(policy),
      policy.accountMaxSessions,
    ],
  });
  const byUser = new Map(rows.map((row) => [row.user_id, row]));
  return requests.map(({ userId }) => {
    const row = rowOf(byUser, userId);
    switch (row.outcome) {
      case 'granted':
        return { outcome: 'granted', grantSeconds: row.grant_seconds };
      case 'rate_limited':
        return { outcome: 'rate_limited', retryAt: row.retry_at };
      case 'exceeded':
        return { outcome: 'exceeded', limit: row.exceeded_limit };
      default:
        return { outcome: row.outcome };
    }
  });
}

/** attach_tokens: whether each record was still open. */
export async function attachTokens(
  pool: pg.Pool,
  requests: readonly AttachRequest[],
  policy: QuotaPolicy,
  now: Date,
): Promise<boolean[]> {
  const { rows } = await pool.query<{ record_id: string; attached: boolean }>({
    name: 'attach_tokens',
    text: 'SELECT * FROM attach_tokens($1, $2, $3, $4, $5)',
    values: [
      now,
      requests.map((request) => request.recordId),
      requests.map((request) => request.avatarSessionId),
      requests.map((request) => Buffer.from(request.tokenHash)),
      policy.tokenTtlSeconds,
    ],
  });
  const attached = new Map(rows.map((row) => [row.record_id, row.attached]));
  return requests.map(({ recordId }) => attached.get(recordId) ?? false);
}

/** start_sessions, in the order of the requests. */
export async function startSessions(
  pool: pg.Pool,
  requests: readonly StartRequest[],
  policy: QuotaPolicy,
  now: Date,
): Promise<RecordOutcome<'started' | 'already_started' | 'ended'>[]> {
  const { rows } = await pool.query<RecordRow>({
    name: 'start_sessions',
    text: 'SELECT * FROM start_sessions($1, $2, $3, $4, $5, $6)',
    values: [
      now,
      requests.map((request) => request.userId),
      requests.map((request) => request.sessionId),
      requests.map((request) => request.avatarSessionId),
      requests.map((request) => request.avatarName),
      everyThreshold(policy.thresholds),
    ],
  });
  return recordOutcomes(requests, rows);
}

/** beat_sessions, in the order of the requests. */
export async function beatSessions(
  pool: pg.Pool,
  requests: readonly HeartbeatRequest[],
  policy: QuotaPolicy,
  now: Date,
): Promise<RecordOutcome<'alive' | 'ended'>[]> {
  const { rows } = await pool.query<RecordRow>({
    name: 'beat_sessions',
    text: 'SELECT * FROM beat_sessions($1, $2, $3, $4, $5, $6)',
    values: [
      now,
      requests.map((request) => request.userId),
      requests.map((request) => request.avatarSessionId),
      requests.map((request) => request.wordsSpoken),
      requests.map((request) => request.messagesCount),
      heartbeatLapseSeconds(policy),
    ],
  });
  return recordOutcomes(requests, rows);
}

/** end_sessions, in the order of the requests. */
export async function endSessions(
  pool: pg.Pool,
  requests: readonly EndRequest[],
  policy: QuotaPolicy,
  now: Date,
): Promise<RecordOutcome<'ended' | 'already_ended'>[]> {
  const { rows } = await pool.query<RecordRow>({
    name: 'end_sessions',
    text: 'SELECT * FROM end_sessions($1, $2, $3, $4, $5, $6, $7)',
    values: [
      now,
      requests.map((request) => request.userId),
      requests.map((request) => request.avatarSessionId),
      requests.map((request) => request.wordsSpoken),
      requests.map((request) => request.messagesCount),
      requests.map((request) => request.errorMessage),
      everyThreshold(policy.thresholds),
    ],
  });
  return recordOutcomes(requests, rows);
}

/** end_records, for reasons of the service's own. */
export async function closeRecords(
  pool: pg.Pool,
  requests: readonly CloseRequest[],
  policy: QuotaPolicy,
  now: Date,
): Promise<undefined[]> {
  await pool.query({
    name: 'end_records',
    text: 'SELECT end_records($1, $2, $3::text[]::end_reason[], $4, $5, $6)',
    values: [
      now,
      requests.map((request) => request.recordId),
      requests.map((request) => request.reason),
      requests.map((request) => request.errorMessage),
      'service',
      everyThreshold(policy.thresholds),
    ],
  });
  return requests.map(() => undefined);
}

/** change_limits, of the current month. */
export async function changeLimits(
  pool: pg.Pool,
  changes: readonly LimitChange[],
  policy: QuotaPolicy,
  now: Date,
): Promise<undefined[]> {
  await pool.query({
    name: 'change_limits',
    text: 'SELECT change_limits($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)',
    values: [
      now,
      changes.map((change) => change.userId),
      changes.map((change) => change.limitMinutes),
      changes.map((change) => (change.limitCost === null ? null : formatMoney(change.limitCost))),
      changes.map((change) => change.isActive),
      policy.defaultLimitMinutes,
      formatMoney(policy.defaultLimitCost),
      policy.maxSessionSeconds,
      heartbeatLapseSeconds(policy),
      everyThreshold(policy.thresholds),
      accountCostLimit(policy),
    ],
  });
  return changes.map(() => undefined);
}

interface RecordRow {
  user_id: string;
  outcome: string;
  record_id: string | null;
}

function recordOutcomes<Name extends string>(
  requests: readonly { readonly userId: string }[],
  rows: readonly RecordRow[],
): RecordOutcome<Name>[] {
  const byUser = new Map(rows.map((row) => [row.user_id, row]));
  return requests.map(({ userId }) => {
    const row = rowOf(byUser, userId);
    return row.outcome === 'not_found' || row.record_id === null
      ? { outcome: 'not_found', recordId: null }
      : { outcome: row.outcome as Name, recordId: row.record_id };
  });
}

function rowOf<Row>(rows: ReadonlyMap<string, Row>, userId: string): Row {
  const row = rows.get(userId);
  if (!row) throw new Error('The statement answered no row for one of its calls');
  return row;
}
