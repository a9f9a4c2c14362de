import { sdkForwarded } from './sdk-forwarded.ts';
import type { OpeningDeps, SdkOutcome, SdkRequest } from './sdk-outcome.ts';
import { steerableSession } from './steerable-session.ts';

/**
 * A call on an open session, such as `task`, passed on. None is treated as a heartbeat: the SDK sends them only when the page
 * says so, and once a heartbeat has come, missing ones end the session.
 *
 * @param call the vendor's own word
 * @throws ServiceUnavailableError without the database
 */
export async function sdkSteer(deps: OpeningDeps, call: string, request: SdkRequest): Promise<SdkOutcome> {
  const { token, body, avatarSessionId } = request;
  const session = await steerableSession(deps, token, avatarSessionId);
  if (session.type === 'refused') return session;
  return sdkForwarded(
    await deps.sdk.steer(call, session.credential, body),
    'The avatar service does not answer at the moment. The session goes on: try again shortly.',
  );
}
