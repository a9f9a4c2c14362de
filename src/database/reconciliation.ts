import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import type { Comparison, Horizon, Reconciliation, VendorFigures } from '../domain/reconciliation.ts';
import type { AvatarVendor } from '../domain/vendor.ts';
import { createDecisions, type Decisions } from './decisions.ts';
import { toPublicError } from './errors.ts';
import { CLAIM, COMPLETE, HORIZON, UNSEEN } from './reconciliation-runs.ts';
import { createUnattributed } from './unattributed-sessions.ts';

interface ReconciliationOptions {
  readonly pool: pg.Pool;
  readonly policy: QuotaPolicy;
  readonly vendor: Pick<AvatarVendor, 'name' | 'remembersFrom'>;
  readonly clock: Clock;
  /** @default decisions of its own */
  readonly decisions?: Decisions;
}

/** Whose sessions these are. */
const OWNERS = `
SELECT avatar_session_id AS "avatarSessionId", user_id AS "userId"
FROM avatar_usage_records
WHERE avatar_session_id = ANY ($1)`;

/** The books, to be compared with one vendor's. A user whose quota is contended holds up no other. */
export function createReconciliation(options: ReconciliationOptions): Reconciliation {
  const { pool, policy, vendor, clock, decisions = createDecisions(options) } = options;
  const unattributed = createUnattributed({ pool, policy, vendorName: vendor.name, clock });

  async function query<Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row[]> {
    try {
      return (await pool.query<Row>(text, values)).rows;
    } catch (error) {
      throw toPublicError(error);
    }
  }

  async function ownersOf(avatarSessionIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await query<{ avatarSessionId: string; userId: string }>(OWNERS, [avatarSessionIds]);
    return new Map(rows.map(({ avatarSessionId, userId }) => [avatarSessionId, userId]));
  }

  /** Compares each session with its owner's record. One that fails holds up no other. */
  async function compare<Session>(
    sessions: readonly Session[],
    idOf: (session: Session) => string,
    withRecord: (userId: string, session: Session) => Promise<Comparison>,
    withoutRecord: Comparison,
  ): Promise<Comparison[]> {
    const owners = await ownersOf(sessions.map(idOf));
    const answers = await Promise.allSettled(
      sessions.map((session) => {
        const userId = owners.get(idOf(session));
        return userId === undefined ? withoutRecord : withRecord(userId, session);
      }),
    );
    return answers.map((answer) => {
      if (answer.status === 'rejected') throw toPublicError(answer.reason);
      return answer.value;
    });
  }

  async function compareListed(
    sessions: readonly VendorFigures[],
    withRecord: (userId: string, figures: VendorFigures) => Promise<Comparison>,
  ): Promise<Comparison[]> {
    const comparisons = await compare(sessions, (session) => session.avatarSessionId, withRecord, 'unattributed');
    const isUnattributed = (_: VendorFigures, index: number) => comparisons[index] === 'unattributed';
    await unattributed.note(sessions.filter(isUnattributed));
    await unattributed.forget(sessions.filter((session, index) => !isUnattributed(session, index)));
    return comparisons;
  }

  return {
    claim: async (intervalSeconds) => (await query(CLAIM, [vendor.name, clock(), intervalSeconds])).length > 0,
    async horizon() {
      const [row] = await query<Horizon>(HORIZON, [vendor.name, vendor.remembersFrom]);
      return row ?? { completedAt: null, oldestOpenAt: null };
    },
    bookActive: (sessions, readAt) =>
      compareListed(sessions, (userId, figures) =>
        decisions.perform(userId, 'reconcileActive', { vendor: vendor.name, figures, readAt: readAt.getTime() }),
      ),
    bookEnded: (sessions) =>
      compareListed(sessions, (userId, figures) =>
        decisions.perform(userId, 'reconcileEnded', { vendor: vendor.name, figures }),
      ),
    async bookUnknown(avatarSessionIds) {
      await unattributed.endUnknown(avatarSessionIds);
      return compare(
        avatarSessionIds,
        (id) => id,
        (userId, avatarSessionId) =>
          decisions.perform(userId, 'reconcileUnknown', { vendor: vendor.name, avatarSessionId }),
        'known',
      );
    },
    async unseen(activeIds, settledBefore) {
      const rows = await query<{ id: string }>(UNSEEN, [vendor.name, vendor.remembersFrom, activeIds, settledBefore]);
      return rows.map((row) => row.id);
    },
    async complete(startedAt) {
      await query(COMPLETE, [vendor.name, startedAt]);
    },
  };
}
