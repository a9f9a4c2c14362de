import { z } from 'zod';

/** LiveAvatar and HeyGen document no lifetime of their tokens. */
const DEFAULT_LIFE_SECONDS = 3_600;

/** RFC 7519, 4.1.4: seconds since 1970. */
const Claims = z.object({ exp: z.number().positive() });

/** Until when a vendor's token can be used: its own `exp` if it is a JWT that has one, else after the given seconds. */
export function tokenEnd(token: string, mintedAt: Date, lifeSeconds: number = DEFAULT_LIFE_SECONDS): Date {
  const claims = Claims.safeParse(payloadOf(token));
  return claims.success ? new Date(claims.data.exp * 1000) : new Date(mintedAt.getTime() + lifeSeconds * 1000);
}

function payloadOf(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}
