import { hkdfSync } from 'node:crypto';
import { compactVerify, SignJWT } from 'jose';
import type { ProxyTokens } from '../domain/proxy-tokens.ts';

type Secret = string | Uint8Array;

const ALGORITHM = 'HS256';
const KEY_BYTES = 32;
/** Separates these keys from every other use of the same secrets, such as signing the users' JWTs. */
const PURPOSE = 'avatar-quota session tokens';

/**
 * Signs tokens with a key derived from the first secret, by HKDF (RFC 5869), and accepts those of all secrets, so that a
 * secret can be rotated.
 */
export function createProxyTokens(secrets: readonly [Secret, ...Secret[]]): ProxyTokens {
  const [signingKey, ...earlierKeys] = [deriveKey(secrets[0]), ...secrets.slice(1).map(deriveKey)] as const;

  return {
    issue: ({ recordId, expiresAt, sdkClaims }) =>
      new SignJWT({ ...sdkClaims })
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
        .setJti(recordId)
        .setExpirationTime(expiresAt)
        .sign(signingKey),
    async isOwn(token) {
      for (const key of [signingKey, ...earlierKeys]) if (await isSignedWith(key, token)) return true;
      return false;
    },
  };
}

function deriveKey(secret: Secret): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', PURPOSE, KEY_BYTES));
}

/** Checks the signature alone: a running session outlives the expiry of its token. */
function isSignedWith(key: Uint8Array, token: string): Promise<boolean> {
  return compactVerify(token, key, { algorithms: [ALGORITHM] }).then(
    () => true,
    () => false,
  );
}
