import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import { toPublicError } from './errors.ts';

/** $1 vendor, $2 session, $3 now. */
const NOTE = `
INSERT INTO reconciliation_attempts (vendor, avatar_session_id, attempted_at, failures)
VALUES ($1, $2, $3, 0)
ON CONFLICT (vendor, avatar_session_id) DO UPDATE SET attempted_at = excluded.attempted_at`;

/** $1 vendor, $2 session, $3 now, $4 why. */
const SET_ASIDE = `
INSERT INTO reconciliation_attempts AS attempt
  (vendor, avatar_session_id, attempted_at, problem, failures, failing_since)
VALUES ($1, $2, $3, $4, 1, $3)
ON CONFLICT (vendor, avatar_session_id) DO UPDATE SET
  attempted_at = excluded.attempted_at,
  problem = excluded.problem,
  failures = attempt.failures + 1,
  failing_since = coalesce(attempt.failing_since, excluded.failing_since)`;

/** $1 vendor, $2 sessions. */
const FORGET = 'DELETE FROM reconciliation_attempts WHERE vendor = $1 AND avatar_session_id = ANY ($2)';

/** $1 vendor, $2 sessions. */
const CLEAR = `
UPDATE reconciliation_attempts SET problem = NULL, failures = 0, failing_since = NULL
WHERE vendor = $1 AND avatar_session_id = ANY ($2) AND problem IS NOT NULL`;

interface AttemptsOptions {
  readonly pool: pg.Pool;
  readonly vendorName: string;
  readonly clock: Clock;
}

/** When the vendor was asked for each session that is still to be compared, and why some of them were set aside. */
export function createAttempts({ pool, vendorName, clock }: AttemptsOptions) {
  async function write(text: string, ...values: unknown[]): Promise<void> {
    try {
      await pool.query(text, [vendorName, ...values]);
    } catch (error) {
      throw toPublicError(error);
    }
  }

  return {
    note: (avatarSessionId: string) => write(NOTE, avatarSessionId, clock()),
    setAside: (avatarSessionId: string, problem: string) => write(SET_ASIDE, avatarSessionId, clock(), problem),
    /** Sessions that are booked. */
    async forget(avatarSessionIds: readonly string[]): Promise<void> {
      if (avatarSessionIds.length > 0) await write(FORGET, avatarSessionIds);
    },
    /** Sessions that were compared, and will be again. */
    async clear(avatarSessionIds: readonly string[]): Promise<void> {
      if (avatarSessionIds.length > 0) await write(CLEAR, avatarSessionIds);
    },
  };
}
