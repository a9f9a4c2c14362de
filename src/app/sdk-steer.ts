import { isOver, recogniseToken } from './recognise-token.ts';
import { sdkForwarded } from './sdk-forwarded.ts';
import {
  FOREIGN_SESSION,
  NOT_STARTED,
  type OpeningDeps,
  OVER,
  type SdkOutcome,
  type SdkRequest,
  UNKNOWN_TOKEN,
} from './sdk-outcome.ts';

/**
 * A call on a session that the token has opened, such as `task`: passed on for that session only, and only while it runs.
 * The vendor's own token may steer any. No call counts as a heartbeat: the SDK sends them only when the page says so, and
 * once a heartbeat has come, missing ones end the session.
 *
 * @param call the vendor's own word
 * @throws ServiceUnavailableError without the database
 */
export async function sdkSteer(
  deps: OpeningDeps,
  call: string,
  { token, body, ...named }: SdkRequest,
): Promise<SdkOutcome> {
  const record = await recogniseToken(deps, token);
  if (record === null) return UNKNOWN_TOKEN;
  if (named.avatarSessionId !== null && named.avatarSessionId !== record.avatarSessionId) return FOREIGN_SESSION;
  if (isOver(record, deps.clock())) return OVER;
  if (record.avatarSessionId === null) return NOT_STARTED;
  return sdkForwarded(
    await deps.sdk.steer(call, token, body),
    'The avatar service does not answer at the moment. The session goes on: try again shortly.',
  );
}
