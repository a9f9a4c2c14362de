import { createProxyTokens } from '../../src/server/proxy-tokens.ts';

/** The settings of a service that keeps the vendor's tokens to itself. */
export const DIRECT = { TOKEN_DELIVERY: 'direct' };
export const PROXY = { TOKEN_DELIVERY: 'proxy' };

/** Both ways to deliver a token, as settings. */
export const DELIVERIES = [DIRECT, PROXY] as const;

export type Delivery = (typeof DELIVERIES)[number];

/** Two tokens that this deployment did not issue: one of another deployment, and the given one with another payload. */
export async function forgedTokens(token: string): Promise<string[]> {
  const [header, payload = '', signature] = token.split('.');
  const claims: object = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const tampered = Buffer.from(JSON.stringify({ ...claims, exp: 4_000_000_000 })).toString('base64url');
  const sdkClaims = { start_session_data: { mode: 'FULL' } };
  const recordId = 'jti' in claims ? String(claims.jti) : '';
  const foreign = await createProxyTokens(['another deployment']).issue({ recordId, expiresAt: new Date(), sdkClaims });
  return [[header, tampered, signature].join('.'), foreign];
}
