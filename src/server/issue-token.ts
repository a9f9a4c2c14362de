import { SignJWT } from 'jose';
import type { TokenRules } from '../config.ts';
import type { Clock } from '../domain/clock.ts';
import { roleClaims } from './role-claim.ts';

export interface TokenRequest extends TokenRules {
  readonly secret: string;
  readonly userId: string;
  readonly admin: boolean;
  readonly ttlSeconds: number;
}

/** A JWT signed with HS256 that the authenticator with the same settings accepts. */
export async function issueToken(request: TokenRequest, clock: Clock): Promise<string> {
  const issuedAt = Math.floor(clock().getTime() / 1000);
  const token = new SignJWT(request.admin ? roleClaims(request.roleClaim, request.adminRole) : {})
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(request.userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + request.ttlSeconds);
  if (request.issuer !== null) token.setIssuer(request.issuer);
  if (request.audience !== null) token.setAudience(request.audience);
  return token.sign(Buffer.from(request.secret));
}
