import { isOver, recogniseToken } from './recognise-token.ts';
import { sdkForwarded } from './sdk-forwarded.ts';
import {
  FOREIGN_SESSION,
  NOT_STARTED,
  OVER,
  type SdkDeps,
  type SdkOutcome,
  type SdkRequest,
  UNKNOWN_TOKEN,
} from './sdk-outcome.ts';

/**
 * Passed on for a running session. It does not count as a heartbeat: the SDK sends it only when the page says so, and once
 * a heartbeat has come, missing ones end the session.
 *
 * @throws ServiceUnavailableError without the database
 */
export async function sdkKeepAlive(deps: SdkDeps, { token, body, ...named }: SdkRequest): Promise<SdkOutcome> {
  const record = await recogniseToken(deps, token);
  if (record === null) return UNKNOWN_TOKEN;
  if (named.avatarSessionId !== null && named.avatarSessionId !== record.avatarSessionId) return FOREIGN_SESSION;
  if (isOver(record, deps.clock())) return OVER;
  if (record.status === 'reserved') return NOT_STARTED;
  return sdkForwarded(
    await deps.sdk.keepAlive(token, body),
    'The avatar service does not answer at the moment. The session goes on: try again shortly.',
  );
}
