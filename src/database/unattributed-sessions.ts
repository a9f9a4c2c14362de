import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import { formatMoney } from '../domain/money.ts';
import { periodAt } from '../domain/period.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import { createPriceBook, priceAt, pricedAs } from '../domain/price-book.ts';
import type { VendorFigures } from '../domain/reconciliation.ts';
import { costOfBilled, vendorBilledSeconds } from '../domain/vendor-billing.ts';
import { toPublicError } from './errors.ts';
import { readPrices } from './prices.ts';

/** Keeps what spends past us: sessions that still no record names. One that has ended changes with the vendor's figures. */
const NOTE = `
INSERT INTO unattributed_sessions
  (vendor, avatar_session_id, source, mode, started_at, period, ended_at, seconds, credits, cost, currency, end_reason,
  seen_at)
SELECT s.vendor, s.avatar_session_id, s.source, s.mode, s.started_at, s.period, s.ended_at, s.seconds, s.credits, s.cost,
  s.currency, s.end_reason, s.seen_at
FROM json_populate_recordset(NULL::unattributed_sessions, $1) AS s
WHERE NOT EXISTS (SELECT FROM avatar_usage_records AS r WHERE r.avatar_session_id = s.avatar_session_id)
ORDER BY s.avatar_session_id
ON CONFLICT (vendor, avatar_session_id) DO UPDATE SET
  source = excluded.source,
  mode = excluded.mode,
  ended_at = excluded.ended_at,
  seconds = excluded.seconds,
  credits = excluded.credits,
  cost = excluded.cost,
  end_reason = excluded.end_reason,
  seen_at = excluded.seen_at
WHERE unattributed_sessions.ended_at IS NULL
  OR (unattributed_sessions.seconds, unattributed_sessions.credits) IS DISTINCT FROM (excluded.seconds, excluded.credits)`;

/** Lets go of sessions that were taken for unattributed, since their users had not reported them yet. */
const FORGET = 'DELETE FROM unattributed_sessions WHERE vendor = $1 AND avatar_session_id = ANY ($2)';

/** The vendor can forget such a session too: it ended after it was seen last. */
const END_UNKNOWN = `
UPDATE unattributed_sessions SET ended_at = seen_at
WHERE vendor = $1 AND avatar_session_id = ANY ($2) AND ended_at IS NULL`;

interface UnattributedOptions {
  readonly pool: pg.Pool;
  readonly policy: QuotaPolicy;
  readonly vendorName: string;
  readonly clock: Clock;
}

/** Sessions on the vendor's list that no token of ours explains. */
export function createUnattributed({ pool, policy, vendorName, clock }: UnattributedOptions) {
  async function write(text: string, values: unknown[]): Promise<void> {
    try {
      await pool.query(text, values);
    } catch (error) {
      throw toPublicError(error);
    }
  }

  return {
    async note(sessions: readonly VendorFigures[]): Promise<void> {
      if (sessions.length === 0) return;
      const prices = createPriceBook(await readPrices(pool));
      const rows = sessions.map((figures) => {
        const { pricePerMinute } = policy;
        const terms = { vendor: vendorName, vendorMode: figures.mode ?? '', pricePerMinute };
        const list = prices.listFor(pricedAs(prices, policy, terms));
        const startedAt = figures.startedAt.getTime();
        const billed = vendorBilledSeconds(figures, priceAt(list, startedAt));
        return {
          vendor: vendorName,
          avatar_session_id: figures.avatarSessionId,
          source: figures.source,
          mode: figures.mode,
          started_at: figures.startedAt,
          period: periodAt(figures.startedAt, policy.billingTimeZone),
          ended_at: figures.endedAt,
          seconds: figures.seconds,
          credits: figures.credits,
          cost: formatMoney(costOfBilled(list, startedAt, billed)),
          currency: policy.currency,
          end_reason: figures.endReason,
          seen_at: clock(),
        };
      });
      await write(NOTE, [JSON.stringify(rows)]);
    },
    async forget(avatarSessionIds: readonly string[]): Promise<void> {
      if (avatarSessionIds.length > 0) await write(FORGET, [vendorName, avatarSessionIds]);
    },
    async endUnknown(avatarSessionIds: readonly string[]): Promise<void> {
      await write(END_UNKNOWN, [vendorName, avatarSessionIds]);
    },
  };
}
