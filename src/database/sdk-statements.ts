import type pg from 'pg';
import { heartbeatLapseSeconds, type QuotaPolicy } from '../domain/policy.ts';
import type { UsageStatus } from '../domain/session.ts';
import type { FailedStart, OpenRequest, SessionCap, SessionName, TokenRecord } from '../domain/store.ts';
import { everyThreshold } from '../domain/thresholds.ts';

/** The statements behind the vendor's own SDK. Within one call every record may stand once. */

/** recognise_tokens, in the order of the hashes. */
export async function recogniseTokens(
  pool: pg.Pool,
  tokenHashes: readonly Uint8Array[],
): Promise<(TokenRecord | null)[]> {
  const hashes = tokenHashes.map((hash) => Buffer.from(hash));
  const { rows } = await pool.query<{
    token_hash: Buffer;
    record_id: string;
    user_id: string;
    session_id: string;
    avatar_session_id: string | null;
    vendor: string;
    status: UsageStatus;
    expires_at: Date | null;
  }>({ name: 'recognise_tokens', text: 'SELECT * FROM recognise_tokens($1)', values: [hashes] });
  const byHash = new Map(rows.map((row) => [row.token_hash.toString('hex'), row]));
  return hashes.map((hash) => {
    const row = byHash.get(hash.toString('hex'));
    if (!row) return null;
    return {
      recordId: row.record_id,
      userId: row.user_id,
      sessionId: row.session_id,
      avatarSessionId: row.avatar_session_id,
      vendor: row.vendor,
      status: row.status,
      expiresAt: row.expires_at,
    };
  });
}

/** open_sessions, in the order of the requests. Every user may stand once. */
export async function openSessions(
  pool: pg.Pool,
  requests: readonly OpenRequest[],
  policy: QuotaPolicy,
  now: Date,
): Promise<('started' | 'taken' | 'ended')[]> {
  const { rows } = await pool.query<{ record_id: string; outcome: 'started' | 'taken' | 'ended' }>({
    name: 'open_sessions',
    text: 'SELECT * FROM open_sessions($1, $2, $3, $4)',
    values: [
      now,
      requests.map(({ recordId }) => recordId),
      requests.map(({ avatarName }) => avatarName),
      everyThreshold(policy.thresholds),
    ],
  });
  const byRecord = new Map(rows.map((row) => [row.record_id, row.outcome]));
  return requests.map(({ recordId }) => byRecord.get(recordId) ?? 'ended');
}

/** name_sessions, in the order of the names. */
export async function nameSessions(
  pool: pg.Pool,
  names: readonly SessionName[],
  _policy: QuotaPolicy,
  now: Date,
): Promise<boolean[]> {
  const { rows } = await pool.query<{ record_id: string; running: boolean }>({
    name: 'name_sessions',
    text: 'SELECT * FROM name_sessions($1, $2, $3)',
    values: [now, names.map(({ recordId }) => recordId), names.map(({ avatarSessionId }) => avatarSessionId)],
  });
  const byRecord = new Map(rows.map((row) => [row.record_id, row.running]));
  return names.map(({ recordId }) => byRecord.get(recordId) ?? false);
}

/** fail_starts. */
export async function failStarts(
  pool: pg.Pool,
  failed: readonly FailedStart[],
  policy: QuotaPolicy,
  now: Date,
): Promise<undefined[]> {
  await pool.query({
    name: 'fail_starts',
    text: 'SELECT fail_starts($1, $2, $3, $4)',
    values: [
      now,
      failed.map(({ recordId }) => recordId),
      failed.map(({ errorMessage }) => errorMessage),
      everyThreshold(policy.thresholds),
    ],
  });
  return failed.map(() => undefined);
}

/** confirm_starts: whether each session still runs, in the order of the records. */
export async function confirmStarts(
  pool: pg.Pool,
  starts: readonly { readonly recordId: string }[],
  _policy: QuotaPolicy,
  now: Date,
): Promise<boolean[]> {
  const { rows } = await pool.query<{ record_id: string; running: boolean }>({
    name: 'confirm_starts',
    text: 'SELECT * FROM confirm_starts($1, $2)',
    values: [now, starts.map(({ recordId }) => recordId)],
  });
  const byRecord = new Map(rows.map((row) => [row.record_id, row.running]));
  return starts.map(({ recordId }) => byRecord.get(recordId) ?? false);
}

/** cap_sessions. */
export async function capSessions(
  pool: pg.Pool,
  caps: readonly SessionCap[],
  policy: QuotaPolicy,
  now: Date,
): Promise<undefined[]> {
  await pool.query({
    name: 'cap_sessions',
    text: 'SELECT cap_sessions($1, $2, $3, $4, $5)',
    values: [
      now,
      caps.map(({ recordId }) => recordId),
      caps.map(({ capSeconds }) => capSeconds),
      heartbeatLapseSeconds(policy),
      everyThreshold(policy.thresholds),
    ],
  });
  return caps.map(() => undefined);
}
