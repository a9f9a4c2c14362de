import type { Clock } from '../../src/domain/clock.ts';
import { issueToken } from '../../src/server/issue-token.ts';

const SECRET = 'a-secret-of-the-tests-that-is-long-enough';
const AVATAR_ID = 'dd73ea75-1218-4ef3-92ce-606d5f7fbc0a';

export const VENDOR_KEY = 'test-key';

/** The settings of a service whose vendor is simulated at this address. */
export function settingsFor(vendorUrl: string) {
  return {
    HOST: '127.0.0.1',
    AUTH_JWT_SECRET: SECRET,
    VENDOR: 'liveavatar',
    PRICE_PER_MINUTE: '0.50',
    LIVEAVATAR_API_KEY: VENDOR_KEY,
    LIVEAVATAR_BASE_URL: vendorUrl,
    HEYGEN_API_KEY: VENDOR_KEY,
    HEYGEN_BASE_URL: vendorUrl,
    LIVEAVATAR_AVATARS: JSON.stringify({ default: { avatar_id: AVATAR_ID }, anna: { avatar_id: AVATAR_ID } }),
  };
}

/** A token for a user of such a service. */
export function issueUserToken(userId: string, ttlSeconds = 3600, clock: Clock = () => new Date()): Promise<string> {
  const rules = { issuer: null, audience: null, roleClaim: 'role', adminRole: 'admin' };
  return issueToken({ secret: SECRET, userId, admin: false, ttlSeconds, ...rules }, clock);
}
