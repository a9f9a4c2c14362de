import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import type { DueWork, PendingStop, StopAnswer } from '../domain/due-work.ts';
import { heartbeatLapseSeconds, type QuotaPolicy } from '../domain/policy.ts';
import { everyThreshold } from '../domain/thresholds.ts';
import { accountCostLimit } from './account.ts';
import { createBatcher } from './batcher.ts';
import { mayBeOneRow } from './errors.ts';

/** How much one statement takes: enough to be fast, little enough not to hold locks for long. */
const BATCH_SIZE = 500;
/** More at once would only earn the vendor's 429. */
const STOPS_AT_A_TIME = 50;

const STOP_BACKOFF_SECONDS = 5;
const STOP_MAX_BACKOFF_SECONDS = 300;

interface DueWorkOptions {
  readonly pool: pg.Pool;
  readonly policy: QuotaPolicy;
  /** Whose stops are delivered from here. */
  readonly vendorName: string;
  readonly clock: Clock;
}

/** The work that the database says is due. */
export function createDueWork({ pool, policy, vendorName, clock }: DueWorkOptions): DueWork {
  const thresholds = everyThreshold(policy.thresholds);
  const noteStop = createBatcher<StopAnswer, undefined>({
    async run(answers) {
      await pool.query({
        name: 'note_stops',
        text: 'SELECT note_stops($1, $2, $3, $4)',
        values: [
          clock(),
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
    async sweepRecords(lapsesFrom) {
      const { rows } = await pool.query<{ due: number }>({
        name: 'sweep_records',
        text: 'SELECT sweep_records($1, $2, $3, $4, $5) AS due',
        values: [clock(), BATCH_SIZE, heartbeatLapseSeconds(policy), lapsesFrom, thresholds],
      });
      return rows[0]?.due ?? 0;
    },
    async sweepThresholds() {
      const { rows } = await pool.query<{ due: number }>({
        name: 'sweep_thresholds',
        text: 'SELECT sweep_thresholds($1, $2, $3) AS due',
        values: [clock(), BATCH_SIZE, thresholds],
      });
      return rows[0]?.due ?? 0;
    },
    async sweepLimits() {
      const { rows } = await pool.query<{ due: number }>({
        name: 'sweep_limits',
        text: 'SELECT sweep_limits($1, $2, $3, $4, $5, $6) AS due',
        values: [
          clock(),
          BATCH_SIZE,
          policy.maxSessionSeconds,
          heartbeatLapseSeconds(policy),
          thresholds,
          accountCostLimit(policy),
        ],
      });
      return rows[0]?.due ?? 0;
    },
    async claimStops(which) {
      const now = clock();
      const { rows } = await pool.query<PendingStop>({
        name: 'claim_stops',
        text: `SELECT record_id AS "recordId", avatar_session_id AS "avatarSessionId", reason, attempts
          FROM claim_stops($1, $2, $3, $4, $5, $6)`,
        values: [
          now,
          vendorName,
          which === 'all' ? 'infinity' : now,
          which === 'all' ? BATCH_SIZE : STOPS_AT_A_TIME,
          STOP_BACKOFF_SECONDS,
          STOP_MAX_BACKOFF_SECONDS,
        ],
      });
      return rows;
    },
    async noteStops(answers) {
      await Promise.all(answers.map(noteStop));
    },
    async nextDue() {
      const { rows } = await pool.query<{ at: Date | null }>({
        name: 'next_due',
        text: 'SELECT next_due($1) AS at',
        values: [vendorName],
      });
      return rows[0]?.at ?? null;
    },
  };
}
