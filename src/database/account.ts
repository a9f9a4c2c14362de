import type pg from 'pg';
import type { AccountRoom } from '../domain/admission.ts';
import { formatMoney, type Micros, parseMoney } from '../domain/money.ts';
import type { BillingPeriod } from '../domain/period.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import { toPublicError } from './errors.ts';

/** Whether all users together are bounded. */
export function hasCeiling({ accountLimitCost, accountMaxSessions }: QuotaPolicy): boolean {
  return accountLimitCost !== null || accountMaxSessions !== null;
}

/** The ceiling on the cost, as the statements take it. */
export function accountCostLimit({ accountLimitCost }: QuotaPolicy): string | null {
  return accountLimitCost === null ? null : formatMoney(accountLimitCost);
}

/**
 * Begins to keep the account's budgets, where there is a ceiling and they are not kept yet.
 *
 * @throws ServiceUnavailableError when the database cannot be asked, or somebody has locked a quota for a second
 */
export async function openAccount(pool: Pick<pg.Pool, 'query'>, policy: QuotaPolicy): Promise<void> {
  if (!hasCeiling(policy)) return;
  try {
    await pool.query('SELECT open_account()');
  } catch (error) {
    throw toPublicError(error);
  }
}

/** As fit_to_account takes it: what is held in the month before is about to move. */
const READ_ACCOUNT = `
SELECT
  ($2::numeric - a.used_cost - a.held_cost - coalesce(before.held_cost, 0))::text AS cost,
  CASE WHEN $3::integer IS NOT NULL
    THEN $3 - (SELECT count(*) FROM avatar_usage_records WHERE status IN ('reserved', 'active'))::integer
  END AS places
FROM account_budgets AS a
LEFT JOIN account_budgets AS before ON before.period = previous_period(a.period)
WHERE a.period = $1`;

/** What the ceilings leave at this moment. */
export async function readAccountRoom(pool: pg.Pool, period: BillingPeriod, policy: QuotaPolicy): Promise<AccountRoom> {
  if (!hasCeiling(policy)) return { cost: null, places: null };
  const { rows } = await pool.query<{ cost: string | null; places: number | null }>({
    name: 'read_account',
    text: READ_ACCOUNT,
    values: [period, accountCostLimit(policy), policy.accountMaxSessions],
  });
  if (!rows[0]) throw new Error(`The account has no budget of ${period}`);
  return { cost: parseCost(rows[0].cost), places: rows[0].places };
}

function parseCost(text: string | null): Micros | null {
  return text === null ? null : parseMoney(text);
}
