import type pg from 'pg';
import type { TokenRecord } from '../domain/store.ts';

/** The newest record of each token, in any state. */
const RECOGNISE_TOKENS = `
SELECT DISTINCT ON (token_hash)
  encode(token_hash, 'hex') AS "tokenHash", id AS "recordId", user_id AS "userId", session_id AS "sessionId",
  avatar_session_id AS "avatarSessionId", avatar_name AS "avatarName", vendor, status,
  grant_seconds AS "grantSeconds", expires_at AS "expiresAt"
FROM avatar_usage_records
WHERE token_hash = ANY ($1)
ORDER BY token_hash, created_at DESC, id`;

/** The records of tokens, in the order of their hashes; null for a token that this service never issued. Decides nothing. */
export async function recogniseTokens(
  pool: pg.Pool,
  tokenHashes: readonly Uint8Array[],
): Promise<(TokenRecord | null)[]> {
  const hashes = tokenHashes.map((hash) => Buffer.from(hash));
  const { rows } = await pool.query<TokenRecord & { tokenHash: string }>({
    name: 'recognise_tokens',
    text: RECOGNISE_TOKENS,
    values: [hashes],
  });
  const byHash = new Map(rows.map(({ tokenHash, ...record }) => [tokenHash, record]));
  return hashes.map((hash) => byHash.get(hash.toString('hex')) ?? null);
}
