import { createSecretKey, hash } from 'node:crypto';
import { createLRUCache } from 'graphql-yoga';
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify, type KeyInput } from 'jose';
import type { JwksAuth, SecretAuth } from '../config.ts';
import { type Caller, isUserId } from '../domain/caller.ts';
import type { Clock } from '../domain/clock.ts';
import { ServiceUnavailableError, UnauthenticatedError } from '../domain/errors.ts';
import { bearerToken } from './bearer.ts';
import { hasRole } from './role-claim.ts';

export interface Authenticator {
  /**
   * Verifies the value of an Authorization header: `Bearer`, then a JWT.
   *
   * @throws UnauthenticatedError with the reason, when it does not prove who the caller is.
   * @throws ServiceUnavailableError when the identity provider's keys cannot be had, so that nothing can be proved.
   */
  authenticate(authorizationHeader: string | null | undefined): Promise<Caller>;
}

/** How far apart the clocks of this service and of the token's issuer may be. */
const CLOCK_TOLERANCE_SECONDS = 5;
/** The last moment that a Date can name, in seconds. */
const END_OF_TIME_SECONDS = 8_640_000_000_000;

/** Tokens that were verified, kept so that each is verified once. */
const MAX_VERIFIED_TOKENS = 10_000;
/** A remote key can be withdrawn: then a token that it has signed is good for this long at most. */
const REMOTE_KEYS_MS = 10 * 60 * 1000;

interface Verified {
  readonly caller: Caller;
  /** In milliseconds since 1970. */
  readonly goodUntil: number;
}

/** Verifies each token once: a verified one is known by its hash until it expires, or until remote keys are checked again. */
export function createAuthenticator(auth: SecretAuth | JwksAuth, clock: Clock): Authenticator {
  const verify = createVerifier(auth, clock);
  const verified = createLRUCache<Verified>({ max: MAX_VERIFIED_TOKENS });
  return {
    async authenticate(authorizationHeader) {
      const token = requireToken(authorizationHeader);
      const key = hash('sha256', token, 'base64');
      const known = verified.get(key);
      if (known && clock().getTime() < known.goodUntil) return known.caller;
      const caller = await verify(token);
      const expiresAt = caller.expiresAt.getTime();
      const goodUntil = auth.kind === 'secret' ? expiresAt : Math.min(expiresAt, clock().getTime() + REMOTE_KEYS_MS);
      verified.set(key, { caller, goodUntil });
      return caller;
    },
  };
}

/** @throws UnauthenticatedError, ServiceUnavailableError as {@link Authenticator.authenticate} */
function createVerifier(auth: SecretAuth | JwksAuth, clock: Clock): (token: string) => Promise<Caller> {
  const { key, algorithms } = trustedKeys(auth);
  const options = {
    algorithms,
    requiredClaims: ['exp', 'sub'],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    ...(auth.issuer !== null && { issuer: auth.issuer }),
    ...(auth.audience !== null && { audience: auth.audience }),
  };
  return async (token) => {
    const { payload } = await jwtVerify(token, key, { ...options, currentDate: clock() }).catch((error) => {
      throw error instanceof errors.JOSEError ? explain(error, algorithms) : error;
    });
    return {
      userId: userIdOf(payload),
      isAdmin: hasRole(payload, auth.roleClaim, auth.adminRole),
      expiresAt: new Date(Math.min(payload.exp ?? 0, END_OF_TIME_SECONDS) * 1000),
    };
  };
}

/** The algorithms are fixed by the kind of key, so that a public key is never taken for a shared secret. */
function trustedKeys(auth: SecretAuth | JwksAuth): { key: KeyInput | JWTVerifyGetKey; algorithms: string[] } {
  return auth.kind === 'secret'
    ? { key: createSecretKey(Buffer.from(auth.secret)), algorithms: ['HS256'] }
    : { key: remoteKeys(auth.jwksUrl), algorithms: ['RS256', 'ES256', 'EdDSA'] };
}

/** The keys are fetched at the first token, kept for ten minutes, and fetched again for an unknown one twice a minute. */
function remoteKeys(jwksUrl: string): JWTVerifyGetKey {
  const keySet = createRemoteJWKSet(new URL(jwksUrl));
  return (header, token) =>
    keySet(header, token).catch((error) => {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      throw new ServiceUnavailableError({
        message: 'The keys that prove who you are cannot be fetched right now. Try again in a few seconds.',
        cause: error,
      });
    });
}

function requireToken(authorizationHeader: string | null | undefined): string {
  if (!authorizationHeader?.trim()) {
    throw new UnauthenticatedError('missing', 'A token is needed: send "Authorization: Bearer <token>".');
  }
  const token = bearerToken(authorizationHeader);
  if (!token) throw invalid('The Authorization value must be "Bearer", a space and one token.');
  return token;
}

function userIdOf(payload: JWTPayload): string {
  const { sub } = payload;
  if (typeof sub !== 'string' || !isUserId(sub)) {
    throw invalid('The token\'s "sub" claim must name the user with 1 to 255 characters.');
  }
  return sub;
}

/** Says what is wrong with a token. The library's error is not kept as the cause, as it carries the token's claims. */
function explain(error: errors.JOSEError, algorithms: readonly string[]): UnauthenticatedError {
  switch (error.code) {
    case errors.JWTExpired.code:
      return new UnauthenticatedError('expired', 'The token has expired: get a fresh one.');
    case errors.JWTClaimValidationFailed.code:
      return invalid(explainClaim(error as errors.JWTClaimValidationFailed));
    case errors.JWSSignatureVerificationFailed.code:
    case errors.JWKSNoMatchingKey.code:
      return invalid('The token is not signed with a key that this service trusts.');
    case errors.JWKSMultipleMatchingKeys.code:
      return invalid('The token must say in its "kid" header which of the issuer\'s keys signed it.');
    case errors.JOSEAlgNotAllowed.code:
      return invalid(`The token must be signed with ${algorithms.join(' or ')}.`);
    default:
      return invalid('The token is not a well-formed JWT.');
  }
}

function explainClaim({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (reason === 'missing') return `The token has no "${claim}" claim.`;
  switch (claim) {
    case 'iss':
      return 'The token comes from an issuer that this service does not trust.';
    case 'aud':
      return 'The token was issued for another audience.';
    case 'nbf':
      return 'The token is not valid yet.';
    default:
      return `The token's "${claim}" claim is not valid.`;
  }
}

function invalid(message: string): UnauthenticatedError {
  return new UnauthenticatedError('invalid', message);
}
