import { isOver, recogniseToken } from './recognise-token.ts';
import { sdkForwarded } from './sdk-forwarded.ts';
import {
  FOREIGN_SESSION,
  NOT_STARTED,
  type OpeningDeps,
  OVER,
  type SdkOutcome,
  type SdkRefused,
  type SdkRequest,
  UNKNOWN_TOKEN,
} from './sdk-outcome.ts';

/**
 * Whether a token may steer a session: only the one that it has opened, although the vendor's own token may steer any, and
 * only while that runs. Null if it may.
 *
 * @param named the session; null leaves it to the vendor to ask for it
 * @throws ServiceUnavailableError without the database
 */
export async function refuseSteering(
  deps: OpeningDeps,
  token: string,
  named: string | null,
): Promise<SdkRefused | null> {
  const record = await recogniseToken(deps, token);
  if (record === null) return UNKNOWN_TOKEN;
  if (named !== null && named !== record.avatarSessionId) return FOREIGN_SESSION;
  if (isOver(record, deps.clock())) return OVER;
  return record.avatarSessionId === null ? NOT_STARTED : null;
}

/**
 * A call on an open session, such as `task`, passed on. None is treated as a heartbeat: the SDK sends them only when the page
 * says so, and once a heartbeat has come, missing ones end the session.
 *
 * @param call the vendor's own word
 * @throws ServiceUnavailableError without the database
 */
export async function sdkSteer(deps: OpeningDeps, call: string, request: SdkRequest): Promise<SdkOutcome> {
  const { token, body, avatarSessionId } = request;
  return (
    (await refuseSteering(deps, token, avatarSessionId)) ??
    sdkForwarded(
      await deps.sdk.steer(call, token, body),
      'The avatar service does not answer at the moment. The session goes on: try again shortly.',
    )
  );
}
