import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import type { DueWork, PendingStop } from '../domain/due-work.ts';
import { heartbeatLapseSeconds, type QuotaPolicy } from '../domain/policy.ts';
import { everyThreshold } from '../domain/thresholds.ts';

/** How much one statement takes: enough to be fast, little enough not to hold locks for long. */
const BATCH_SIZE = 500;

const STOP_BACKOFF_SECONDS = 5;
const STOP_MAX_BACKOFF_SECONDS = 300;

interface DueWorkOptions {
  readonly pool: pg.Pool;
  readonly policy: QuotaPolicy;
  readonly clock: Clock;
}

/** The work that the database says is due. */
export function createDueWork({ pool, policy, clock }: DueWorkOptions): DueWork {
  const thresholds = everyThreshold(policy.thresholds);
  return {
    async sweepRecords() {
      const { rows } = await pool.query<{ due: number }>({
        name: 'sweep_records',
        text: 'SELECT sweep_records($1, $2, $3, $4) AS due',
        values: [clock(), BATCH_SIZE, heartbeatLapseSeconds(policy), thresholds],
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
    async claimStops() {
      const { rows } = await pool.query<PendingStop>({
        name: 'claim_stops',
        text: `SELECT record_id AS "recordId", avatar_session_id AS "avatarSessionId", reason, attempts
          FROM claim_stops($1, $2, $3, $4)`,
        values: [clock(), BATCH_SIZE, STOP_BACKOFF_SECONDS, STOP_MAX_BACKOFF_SECONDS],
      });
      return rows;
    },
    async noteStops(answers) {
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
    },
    async nextDue() {
      const { rows } = await pool.query<{ at: Date | null }>({ name: 'next_due', text: 'SELECT next_due() AS at' });
      return rows[0]?.at ?? null;
    },
  };
}
