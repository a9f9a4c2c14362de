import type pg from 'pg';
import { parseMoney } from '../domain/money.ts';
import type { BillingPeriod } from '../domain/period.ts';
import type { CorrectionReason, ReconciliationReport, SetAsideSession } from '../domain/reconciliation-report.ts';
import type { Prisma } from './prisma.ts';

/**
 * The month's use by record, from the ledger: an estimate, and what was booked on top of it by the vendor's figures. An end
 * that the reconciler noted is an estimate like any other.
 */
const BY_RECORD = `
WITH entry AS (
  SELECT
    record_id, used_seconds, used_cost, id, reason,
    entry = 'correct' AND actor = 'reconciler' AND reason <> 'vendor_ended' AS by_vendor
  FROM quota_ledger
  WHERE period = $1 AND record_id IS NOT NULL AND entry IN ('settle', 'correct')
),
record AS (
  SELECT
    record_id,
    coalesce(sum(used_seconds) FILTER (WHERE NOT by_vendor), 0) AS estimated_seconds,
    coalesce(sum(used_cost) FILTER (WHERE NOT by_vendor), 0) AS estimated_cost,
    sum(used_seconds) AS actual_seconds,
    sum(used_cost) AS actual_cost,
    (array_agg(reason ORDER BY id DESC) FILTER (WHERE by_vendor))[1] AS reason
  FROM entry
  GROUP BY record_id
)`;

const GROUPS = `${BY_RECORD}
SELECT
  r.vendor, r.vendor_mode AS mode, r.avatar_name AS "avatarName", count(*)::integer AS sessions,
  sum(record.estimated_cost)::text AS "estimatedCost", sum(record.actual_cost)::text AS "actualCost",
  count(*) FILTER (WHERE r.reconciled_at IS NULL)::integer AS "notCompared"
FROM record
JOIN avatar_usage_records AS r ON r.id = record.record_id
GROUP BY r.vendor, r.vendor_mode, r.avatar_name
ORDER BY r.vendor, r.vendor_mode, r.avatar_name`;

const DIFFERENCES = `${BY_RECORD}
SELECT
  r.id AS "recordId", r.user_id AS "userId", r.vendor, r.avatar_session_id AS "avatarSessionId",
  record.estimated_seconds::integer AS "estimatedSeconds", record.estimated_cost::text AS "estimatedCost",
  record.actual_seconds::integer AS "actualSeconds", record.actual_cost::text AS "actualCost",
  record.reason, r.vendor_end_reason AS "vendorEndReason"
FROM record
JOIN avatar_usage_records AS r ON r.id = record.record_id
WHERE record.reason IS NOT NULL
ORDER BY abs(record.actual_cost - record.estimated_cost) DESC, r.created_at, r.id`;

const SET_ASIDE = `
SELECT vendor, avatar_session_id AS "avatarSessionId", problem, failures, failing_since AS "failingSince"
FROM reconciliation_attempts
WHERE problem IS NOT NULL
ORDER BY failing_since, vendor, avatar_session_id
LIMIT 100`;

type Row<Item, Money extends keyof Item> = Omit<Item, Money> & Readonly<Record<Money, string>>;
type Group = ReconciliationReport['groups'][number];
type Difference = ReconciliationReport['differences'][number];

/** A month's report. Its actual costs are the quotas' use, so with what is unattributed they are what the vendor bills. */
export async function readReconciliationReport(
  pool: pg.Pool,
  prisma: Prisma,
  period: BillingPeriod,
): Promise<ReconciliationReport> {
  const groups = await pool.query<Row<Group, 'estimatedCost' | 'actualCost'>>(GROUPS, [period]);
  const differences = await pool.query<Row<Difference, 'estimatedCost' | 'actualCost'> & { reason: CorrectionReason }>(
    DIFFERENCES,
    [period],
  );
  const unattributed = await prisma.unattributedSession.findMany({
    where: { period },
    orderBy: [{ startedAt: 'asc' }, { avatarSessionId: 'asc' }],
    omit: { period: true, currency: true, endReason: true, seenAt: true, credits: true },
  });
  const setAside = await pool.query<SetAsideSession>(SET_ASIDE);
  const costs = (row: { estimatedCost: string; actualCost: string }) => ({
    estimatedCost: parseMoney(row.estimatedCost),
    actualCost: parseMoney(row.actualCost),
  });
  return {
    period,
    groups: groups.rows.map((row) => ({ ...row, ...costs(row) })),
    differences: differences.rows.map((row) => ({ ...row, ...costs(row) })),
    unattributed: unattributed.map((row) => ({ ...row, cost: parseMoney(row.cost.toFixed()) })),
    setAside: setAside.rows,
  };
}
