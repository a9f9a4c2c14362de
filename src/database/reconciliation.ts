import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import { formatMoney } from '../domain/money.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import type { Comparison, Horizon, Reconciliation, VendorFigures } from '../domain/reconciliation.ts';
import { everyThreshold } from '../domain/thresholds.ts';
import type { AvatarVendor } from '../domain/vendor.ts';
import { createBatcher } from './batcher.ts';
import { mayBeOneRow, toPublicError } from './errors.ts';
import { CLAIM, COMPLETE, HORIZON, UNSEEN } from './reconciliation-runs.ts';

/** A page of the vendor's list; its users' quotas are locked together. */
const BATCH_SIZE = 100;

interface ReconciliationOptions {
  readonly pool: pg.Pool;
  readonly policy: QuotaPolicy;
  readonly vendor: Pick<AvatarVendor, 'name' | 'remembersFrom'>;
  readonly clock: Clock;
}

interface ComparisonRow {
  readonly avatar_session_id: string;
  readonly outcome: Comparison;
}

/** The books, to be compared with one vendor's. A user whose quota is locked too long holds up nobody else. */
export function createReconciliation({ pool, policy, vendor, clock }: ReconciliationOptions): Reconciliation {
  const thresholds = everyThreshold(policy.thresholds);
  const prices = () => [vendor.name, policy.currency, formatMoney(policy.pricePerMinute), policy.priceIsSet];

  const compareEnded = batched(
    (sessions: readonly VendorFigures[]) => ({
      name: 'reconcile_ended',
      text: 'SELECT * FROM reconcile_ended($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)',
      values: [
        clock(),
        ...prices(),
        sessions.map((session) => session.avatarSessionId),
        sessions.map((session) => session.mode),
        sessions.map((session) => session.source),
        sessions.map((session) => session.startedAt),
        sessions.map((session) => session.endedAt),
        sessions.map((session) => session.seconds),
        sessions.map((session) => session.credits),
        sessions.map((session) => session.creditsPerMinute),
        sessions.map((session) => session.endReason),
        thresholds,
      ],
    }),
    (session) => session.avatarSessionId,
  );

  const compareActive = (readAt: Date) =>
    batched(
      (sessions: readonly VendorFigures[]) => ({
        name: 'reconcile_active',
        text: 'SELECT * FROM reconcile_active($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)',
        values: [
          clock(),
          readAt,
          ...prices(),
          sessions.map((session) => session.avatarSessionId),
          sessions.map((session) => session.mode),
          sessions.map((session) => session.source),
          sessions.map((session) => session.startedAt),
          sessions.map((session) => session.seconds),
          sessions.map((session) => session.credits),
          sessions.map((session) => session.creditsPerMinute),
          thresholds,
        ],
      }),
      (session) => session.avatarSessionId,
    );

  const compareUnknown = batched(
    (ids: readonly string[]) => ({
      name: 'reconcile_unknown',
      text: 'SELECT * FROM reconcile_unknown($1, $2, $3, $4)',
      values: [clock(), vendor.name, ids, thresholds],
    }),
    (id) => id,
  );

  function batched<Session>(
    statement: (sessions: readonly Session[]) => pg.QueryConfig,
    idOf: (session: Session) => string,
  ): (sessions: readonly Session[]) => Promise<Comparison[]> {
    const compare = createBatcher<Session, Comparison>({
      async run(sessions) {
        const { rows } = await pool.query<ComparisonRow>(statement(sessions));
        const outcomes = new Map(rows.map((row) => [row.avatar_session_id, row.outcome]));
        return sessions.map((session) => outcomes.get(idOf(session)) ?? 'known');
      },
      keyOf: idOf,
      mayBeOneRequest: mayBeOneRow,
      maxBatchSize: BATCH_SIZE,
      maxBatches: 1,
    });
    return async (sessions) => {
      const answers = await Promise.allSettled(sessions.map(compare));
      return answers.map((answer) => {
        if (answer.status === 'rejected') throw toPublicError(answer.reason);
        return answer.value;
      });
    };
  }

  async function query<Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row[]> {
    try {
      return (await pool.query<Row>(text, values)).rows;
    } catch (error) {
      throw toPublicError(error);
    }
  }

  return {
    claim: async (intervalSeconds) => (await query(CLAIM, [vendor.name, clock(), intervalSeconds])).length > 0,
    async horizon() {
      const [row] = await query<Horizon>(HORIZON, [vendor.name, vendor.remembersFrom]);
      return row ?? { completedAt: null, oldestOpenAt: null };
    },
    bookActive: (sessions, readAt) => compareActive(readAt)(sessions),
    bookEnded: compareEnded,
    bookUnknown: compareUnknown,
    async unseen(activeIds, settledBefore) {
      const rows = await query<{ id: string }>(UNSEEN, [vendor.name, vendor.remembersFrom, activeIds, settledBefore]);
      return rows.map((row) => row.id);
    },
    async complete(startedAt) {
      await query(COMPLETE, [vendor.name, startedAt]);
    },
  };
}
