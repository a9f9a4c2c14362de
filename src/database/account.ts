import type pg from 'pg';
import type { QuotaPolicy } from '../domain/policy.ts';
import { toPublicError } from './errors.ts';

/** Whether all users together are bounded. */
export function hasCeiling({ accountLimitCost, accountMaxSessions }: QuotaPolicy): boolean {
  return accountLimitCost !== null || accountMaxSessions !== null;
}

/** Begins to keep the account, from the quotas and records as they are, unless it is kept. Everything else waits for it. */
const OPEN_ACCOUNT = `
LOCK TABLE quota_users IN EXCLUSIVE MODE;
INSERT INTO account_budgets (period, used_cost, held_cost)
SELECT current_month, sum(used_cost), sum(held_cost)
FROM usage_quotas
WHERE NOT EXISTS (SELECT FROM account_state)
GROUP BY current_month;
INSERT INTO account_state (open_sessions)
SELECT count(*) FROM avatar_usage_records WHERE end_reason IS NULL OR is_stopping
ON CONFLICT DO NOTHING`;

const CLOSE_ACCOUNT = `
DELETE FROM account_budgets;
DELETE FROM account_state`;

/**
 * Keeps the account's sums where there is a ceiling, and forgets them where there is none, so that nothing pays for them.
 *
 * @throws ServiceUnavailableError when the database cannot be asked
 */
export async function openAccount(pool: Pick<pg.Pool, 'query'>, policy: QuotaPolicy): Promise<void> {
  try {
    const { rows } = await pool.query('SELECT FROM account_state');
    const isKept = rows.length > 0;
    if (hasCeiling(policy) === isKept) return;
    // Several statements in one query are one transaction.
    await pool.query(isKept ? CLOSE_ACCOUNT : OPEN_ACCOUNT);
  } catch (error) {
    throw toPublicError(error);
  }
}
