import type { SdkCredential } from '../domain/vendor-sdk.ts';
import type { AppDeps } from './deps.ts';
import { credentialFor, isOver, type RecognisedToken, recogniseToken } from './recognise-token.ts';
import { FOREIGN_SESSION, NOT_STARTED, OVER, type SdkRefused, UNKNOWN_TOKEN } from './sdk-outcome.ts';

/** A running session, and by whose right calls on it are passed on. */
export interface SteerableSession {
  readonly type: 'steerable';
  readonly record: RecognisedToken;
  readonly avatarSessionId: string;
  readonly credential: SdkCredential;
}

/**
 * The session that a token may steer: only the one that it has started, although the vendor's own token may steer any, and only
 * while that runs. Otherwise the refusal.
 *
 * @param named the session that the caller names, if it names one
 * @throws ServiceUnavailableError without the database
 */
export async function steerableSession(
  deps: AppDeps,
  token: string,
  named: string | null,
): Promise<SteerableSession | SdkRefused> {
  const record = await recogniseToken(deps, token);
  if (record === null) return UNKNOWN_TOKEN;
  const { avatarSessionId } = record;
  if (named !== null && named !== avatarSessionId) return FOREIGN_SESSION;
  if (isOver(record, deps.clock())) return OVER;
  if (record.status === 'reserved' || avatarSessionId === null) return NOT_STARTED;
  const credential = credentialFor(record, token, avatarSessionId);
  return { type: 'steerable', record, avatarSessionId, credential };
}
