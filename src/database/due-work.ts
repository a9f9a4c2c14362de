import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import type { DueWork, FailedStop, PendingStop } from '../domain/due-work.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import { createBatcher } from './batcher.ts';
import { type DecisionClock, uncomparedClock } from './decision-clock.ts';
import { createDecisions, type Decisions } from './decisions.ts';
import { mayBeOneRow } from './errors.ts';

/** Users whose due work is done at a time. */
const BATCH_SIZE = 500;
/** More at once would only earn the vendor's 429. */
const STOPS_AT_A_TIME = 50;

/** A record may be saved by prices that were replaced while it was decided; by then it has been. */
const LONGEST_SAVE_MS = 10_000;

/** What must be done at once is due at the epoch. */
const BEGINNING = new Date(0);

const STOP_BACKOFF_SECONDS = 5;
const STOP_MAX_BACKOFF_SECONDS = 300;

/** Those whom another transaction is changing are left for the next sweep. */
const DUE_USERS = `
SELECT user_id AS "userId"
FROM quota_users
WHERE due_at >= $3 AND due_at <= $1
ORDER BY due_at
LIMIT $2
FOR SHARE SKIP LOCKED`;

/** Another number after each change of the prices. */
const PRICE_REVISION = 'SELECT coalesce(sum(revision), 0)::float8 AS revision FROM prices';

/** Users with open records that do not follow the present prices yet. */
const USERS_WITH_OLD_PRICES = `
SELECT DISTINCT r.user_id AS "userId"
FROM avatar_usage_records AS r
JOIN (SELECT vendor, mode, currency, sum(revision) AS revision FROM prices GROUP BY vendor, mode, currency) AS p
  ON p.vendor = r.vendor AND p.mode = r.vendor_mode AND p.currency = r.currency
WHERE r.end_reason IS NULL AND r.price_revision < p.revision
LIMIT $1`;

const UNLOCKED_USERS = 'SELECT user_id AS "userId" FROM quota_users WHERE user_id = ANY ($1) FOR SHARE SKIP LOCKED';

/**
 * Takes stops that are due, each with its next attempt already set: if this node dies, another one tries then. The wait
 * doubles from attempt to attempt.
 *
 *   $1 now   $2 vendor   $3 due by then   $4 how many   $5 first and $6 longest wait in seconds   $7 due from then
 */
const CLAIM_STOPS = `
WITH claimed AS (
  SELECT s.record_id, r.user_id, r.created_at
  FROM vendor_stops AS s
  JOIN avatar_usage_records AS r ON r.id = s.record_id
  WHERE s.next_attempt_at >= $7 AND s.next_attempt_at <= $3 AND s.vendor = $2
  ORDER BY s.next_attempt_at
  LIMIT $4
  FOR UPDATE OF s SKIP LOCKED
)
UPDATE vendor_stops AS s
SET
  attempts = s.attempts + 1,
  next_attempt_at = $1::timestamptz + make_interval(secs => least($5 * 2 ^ least(s.attempts, 20), $6))
FROM claimed
WHERE s.record_id = claimed.record_id
RETURNING s.record_id AS "recordId", claimed.user_id AS "userId", claimed.created_at AS "createdAt",
  s.avatar_session_id AS "avatarSessionId", s.reason, s.attempts`;

/** Notes stops that have failed: the error and, where the vendor named one, another moment to try again. */
const NOTE_FAILED_STOPS = `
WITH noted AS (
  UPDATE vendor_stops AS s
  SET
    next_attempt_at = coalesce(answer.retry_at, s.next_attempt_at),
    last_error = answer.error
  FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS answer (record_id, error, retry_at)
  WHERE s.record_id = answer.record_id AND s.confirmed_at IS NULL
  RETURNING answer.retry_at
)
SELECT pg_notify('quota_due', (extract(epoch FROM due.at) * 1000)::bigint::text)
FROM (SELECT min(retry_at) AS at FROM noted) AS due
WHERE due.at IS NOT NULL`;

const NEXT_DUE = `
SELECT least(
  (SELECT min(due_at) FROM quota_users WHERE due_at >= $2),
  (SELECT min(next_attempt_at) FROM vendor_stops WHERE vendor = $1 AND next_attempt_at >= $2)
) AS at`;

interface DueWorkOptions {
  readonly pool: pg.Pool;
  readonly policy: QuotaPolicy;
  /** Whose stops are delivered from here. */
  readonly vendorName: string;
  readonly clock: Clock;
  /** Compared at every sweep. @default the clock, which is never compared */
  readonly decisionClock?: DecisionClock;
  /** @default decisions of its own */
  readonly decisions?: Decisions;
}

/** The work that the database says is due. */
export function createDueWork(options: DueWorkOptions): DueWork {
  const { pool, vendorName, clock, decisions = createDecisions(options) } = options;
  const { decisionClock = uncomparedClock(clock) } = options;
  /** The revision of the prices that was seen last, and since when. */
  let prices = { revision: -1, since: clock(), areFollowed: false };

  async function find(text: string, values: unknown[]): Promise<string[]> {
    const { rows } = await pool.query<{ userId: string }>({ text, values });
    return rows.map(({ userId }) => userId);
  }

  async function usersWithOldPrices(): Promise<string[]> {
    const { rows } = await pool.query<{ revision: number }>(PRICE_REVISION);
    const revision = rows[0]?.revision ?? 0;
    if (revision !== prices.revision) prices = { revision, since: clock(), areFollowed: false };
    if (prices.areFollowed) return [];
    const userIds = await find(USERS_WITH_OLD_PRICES, [BATCH_SIZE]);
    const isSettled = clock().getTime() - prices.since.getTime() > LONGEST_SAVE_MS;
    prices.areFollowed = userIds.length === 0 && isSettled;
    return userIds.length === 0 ? [] : find(UNLOCKED_USERS, [userIds]);
  }

  const noteFailure = createBatcher<FailedStop, undefined>({
    async run(answers) {
      await pool.query({
        name: 'note_failed_stops',
        text: NOTE_FAILED_STOPS,
        values: [
          answers.map((answer) => answer.recordId),
          answers.map((answer) => answer.error),
          answers.map((answer) => answer.retryAt),
        ],
      });
      return answers.map(() => undefined);
    },
    keyOf: (answer) => answer.recordId,
    mayBeOneRequest: mayBeOneRow,
  });
  return {
    async sweep(lapsesFrom, dueFrom = BEGINNING) {
      await decisionClock.compare();
      const due = await find(DUE_USERS, [await decisionClock.now(), BATCH_SIZE, dueFrom]);
      const userIds = new Set([...due, ...(await usersWithOldPrices())]);
      const request = { lapsesFrom: lapsesFrom.getTime() };
      const swept = await Promise.allSettled([...userIds].map((userId) => decisions.perform(userId, 'sweep', request)));
      for (const each of swept) if (each.status === 'rejected') throw each.reason;
      return swept.filter((each) => each.status === 'fulfilled' && each.value).length;
    },
    async claimStops(which, dueFrom = BEGINNING) {
      const now = await decisionClock.now();
      const { rows } = await pool.query<PendingStop>({
        name: 'claim_stops',
        text: CLAIM_STOPS,
        values: [
          now,
          vendorName,
          which === 'all' ? 'infinity' : now,
          which === 'all' ? BATCH_SIZE : STOPS_AT_A_TIME,
          STOP_BACKOFF_SECONDS,
          STOP_MAX_BACKOFF_SECONDS,
          dueFrom,
        ],
      });
      return rows;
    },
    noteFailedStop: noteFailure,
    async nextDue(dueFrom = BEGINNING) {
      const { rows } = await pool.query<{ at: Date | null }>({
        name: 'next_due',
        text: NEXT_DUE,
        values: [vendorName, dueFrom],
      });
      return rows[0]?.at ?? null;
    },
  };
}
