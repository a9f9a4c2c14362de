import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import { ServiceUnavailableError } from '../domain/errors.ts';
import { messageOf } from '../domain/message-of.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import type { Comparison, Horizon, Reconciliation, VendorFigures } from '../domain/reconciliation.ts';
import type { AvatarVendor } from '../domain/vendor.ts';
import { hasRun } from '../domain/vendor-billing.ts';
import { type DecisionClock, uncomparedClock } from './decision-clock.ts';
import { createDecisions, type Decisions } from './decisions.ts';
import { isUnreachable, mayBeOneRow, toPublicError } from './errors.ts';
import { createAttempts } from './reconciliation-attempts.ts';
import { CLAIM, COMPLETE, HORIZON, UNSEEN } from './reconciliation-runs.ts';
import { createUnattributed } from './unattributed-sessions.ts';

interface ReconciliationOptions {
  readonly pool: pg.Pool;
  readonly policy: QuotaPolicy;
  readonly vendor: Pick<AvatarVendor, 'name' | 'remembersFrom'>;
  readonly clock: Clock;
  /** What runs are claimed by. @default the clock, which is never compared */
  readonly decisionClock?: DecisionClock;
  /** @default decisions of its own */
  readonly decisions?: Decisions;
}

/** Whose sessions these are. */
const OWNERS = `
SELECT avatar_session_id AS "avatarSessionId", user_id AS "userId"
FROM avatar_usage_records
WHERE avatar_session_id = ANY ($1)`;

/** What became of one session. */
interface Compared<Session> {
  readonly session: Session;
  readonly id: string;
  readonly outcome: Comparison;
}

/** Nothing is left to compare of a session with one of these outcomes. */
const FINAL: ReadonlySet<Comparison> = new Set(['corrected', 'confirmed', 'known']);

/** The books, to be compared with one vendor's. A user whose quota is contended holds up no other. */
export function createReconciliation(options: ReconciliationOptions): Reconciliation {
  const { pool, policy, vendor, clock, decisions = createDecisions(options) } = options;
  const { decisionClock = uncomparedClock(clock) } = options;
  const unattributed = createUnattributed({ pool, policy, vendorName: vendor.name, clock });
  const attempts = createAttempts({ pool, vendorName: vendor.name, clock });

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

  /** Sets a session aside, unless the database is to blame, which all the others need as well. */
  async function fail(avatarSessionId: string, error: unknown): Promise<'failed'> {
    if (isUnreachable(error)) throw toPublicError(error);
    await attempts.setAside(avatarSessionId, describe(error));
    return 'failed';
  }

  /** Compares each session with its owner's record. */
  async function compare<Session>(
    sessions: readonly Session[],
    idOf: (session: Session) => string,
    withRecord: (userId: string, session: Session) => Promise<Comparison>,
    withoutRecord: (session: Session) => Comparison,
  ): Promise<Compared<Session>[]> {
    const owners = await ownersOf(sessions.map(idOf));
    const answers = await Promise.allSettled(
      sessions.map(async (session) => {
        const id = idOf(session);
        const userId = owners.get(id);
        if (userId === undefined) return { session, id, outcome: withoutRecord(session) };
        const outcome = await withRecord(userId, session).catch((error: unknown) => fail(id, error));
        return { session, id, outcome };
      }),
    );
    return answers.map((answer) => {
      if (answer.status === 'rejected') throw answer.reason;
      return answer.value;
    });
  }

  async function compareListed(
    sessions: readonly VendorFigures[],
    withRecord: (userId: string, figures: VendorFigures) => Promise<Comparison>,
    withoutRecord: (figures: VendorFigures) => Comparison,
  ): Promise<Comparison[]> {
    if (sessions.length === 0) return [];
    const compared = await compare(sessions, ({ avatarSessionId }) => avatarSessionId, withRecord, withoutRecord);
    const others = compared.filter(({ outcome }) => outcome === 'unattributed');
    await unattributed.forget(compared.filter(({ outcome }) => outcome !== 'unattributed').map(({ id }) => id));
    const failed = await noteUnattributed(others.map(({ session }) => session));
    return settle(
      compared.map((each) => (failed.has(each.id) ? { ...each, outcome: 'failed' } : each)),
      ({ session, outcome }) => FINAL.has(outcome) || (outcome === 'unattributed' && session.endedAt !== null),
    );
  }

  /** Returns those that cannot be stored. */
  async function noteUnattributed(sessions: readonly VendorFigures[]): Promise<ReadonlySet<string>> {
    const failed = new Set<string>();
    try {
      await unattributed.note(sessions);
    } catch (error) {
      if (!mayBeOneRow(error)) throw error;
      for (const figures of sessions) {
        await unattributed.note([figures]).catch(async (cause: unknown) => {
          await fail(figures.avatarSessionId, cause);
          failed.add(figures.avatarSessionId);
        });
      }
    }
    return failed;
  }

  /** Notes which of the sessions are no longer set aside. Returns the outcomes in the order of the sessions. */
  async function settle<Session>(
    compared: readonly Compared<Session>[],
    isFinal: (each: Compared<Session>) => boolean,
  ): Promise<Comparison[]> {
    const succeeded = compared.filter(({ outcome }) => outcome !== 'failed');
    await attempts.forget(succeeded.filter(isFinal).map(({ id }) => id));
    await attempts.clear(succeeded.filter((each) => !isFinal(each)).map(({ id }) => id));
    return compared.map(({ outcome }) => outcome);
  }

  return {
    async claim(intervalSeconds) {
      return (await query(CLAIM, [vendor.name, await decisionClock.now(), intervalSeconds])).length > 0;
    },
    async horizon() {
      const [row] = await query<Horizon>(HORIZON, [vendor.name, vendor.remembersFrom]);
      return row ?? { completedAt: null, oldestOpenAt: null };
    },
    bookActive: (sessions, readAt) =>
      compareListed(
        sessions,
        (userId, figures) =>
          decisions.perform(userId, 'reconcileActive', { vendor: vendor.name, figures, readAt: readAt.getTime() }),
        (figures) => (hasRun(figures) ? 'unattributed' : 'unused'),
      ),
    bookEnded: (sessions) =>
      compareListed(
        sessions,
        (userId, figures) => decisions.perform(userId, 'reconcileEnded', { vendor: vendor.name, figures }),
        () => 'unattributed',
      ),
    async bookUnknown(avatarSessionIds) {
      await unattributed.endUnknown(avatarSessionIds);
      const compared = await compare(
        avatarSessionIds,
        (id) => id,
        (userId, avatarSessionId) =>
          decisions.perform(userId, 'reconcileUnknown', { vendor: vendor.name, avatarSessionId }),
        () => 'known',
      );
      return settle(compared, ({ outcome }) => FINAL.has(outcome));
    },
    setAside: attempts.setAside,
    async unseen(seenIds, settledBefore) {
      const rows = await query<{ id: string }>(UNSEEN, [vendor.name, vendor.remembersFrom, seenIds, settledBefore]);
      return rows.map((row) => row.id);
    },
    noteAttempt: attempts.note,
    async complete(startedAt) {
      await query(COMPLETE, [vendor.name, startedAt]);
    },
  };
}

/** For the operator: of a statement that found no time or lock, what the database said. */
function describe(error: unknown): string {
  return messageOf(error instanceof ServiceUnavailableError && error.cause instanceof Error ? error.cause : error);
}
