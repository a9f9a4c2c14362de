import { sdkForwarded } from './sdk-forwarded.ts';
import type { SdkDeps, SdkOutcome, SdkRequest } from './sdk-outcome.ts';
import { steerableSession } from './steerable-session.ts';

/**
 * Passed on for a running session. It does not count as a heartbeat: the SDK sends it only when the page says so, and once
 * a heartbeat has come, missing ones end the session.
 *
 * @throws ServiceUnavailableError without the database
 */
export async function sdkKeepAlive(deps: SdkDeps, { token, body, ...named }: SdkRequest): Promise<SdkOutcome> {
  const session = await steerableSession(deps, token, named.avatarSessionId);
  if (session.type === 'refused') return session;
  return sdkForwarded(
    await deps.sdk.keepAlive(session.credential, body),
    'The avatar service does not answer at the moment. The session goes on: try again shortly.',
  );
}
