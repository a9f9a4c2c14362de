import type pg from 'pg';
import { toPublicError } from './errors.ts';
import type { LoadRequest } from './load.ts';

type Client = Pick<pg.PoolClient, 'query'>;

const LOCK_USERS = `
WITH begun AS (
  INSERT INTO quota_users (user_id, revision) SELECT unnest($1::text[]), 1 ON CONFLICT (user_id) DO NOTHING
)
SELECT FROM quota_users WHERE user_id = ANY ($1) ORDER BY user_id FOR NO KEY UPDATE`;

const LOCK_QUOTAS = `
SELECT FROM usage_quotas WHERE user_id = ANY ($1) ORDER BY user_id, current_month FOR NO KEY UPDATE`;

const LOCK_RECORDS = `
SELECT FROM avatar_usage_records
WHERE user_id = ANY ($1) AND (end_reason IS NULL OR id = ANY ($2) OR avatar_session_id = ANY ($3))
ORDER BY id FOR NO KEY UPDATE`;

/** Waits for every row that a decision about users can overwrite, and keeps it until the transaction ends. */
export async function lockUsers(
  client: Client,
  { userIds, recordIds, avatarSessionIds }: Pick<LoadRequest, 'userIds' | 'recordIds' | 'avatarSessionIds'>,
): Promise<void> {
  const inOrder = [...userIds].sort();
  await client.query(LOCK_USERS, [inOrder]);
  await client.query(LOCK_QUOTAS, [inOrder]);
  await client.query(LOCK_RECORDS, [inOrder, recordIds, avatarSessionIds]);
}

/**
 * Waits for the row that all users share under a ceiling.
 *
 * @throws ServiceUnavailableError if it stays locked: trying the users one by one would only wait for it again and again
 */
export async function lockAccount(client: Client): Promise<void> {
  try {
    await client.query('SELECT FROM account_state FOR NO KEY UPDATE');
  } catch (error) {
    throw toPublicError(error);
  }
}
