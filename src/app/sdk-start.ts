import { isOver, recogniseToken } from './recognise-token.ts';
import { sdkForwarded } from './sdk-forwarded.ts';
import { FOREIGN_SESSION, OVER, type SdkDeps, type SdkOutcome, type SdkRequest, UNKNOWN_TOKEN } from './sdk-outcome.ts';
import { storable } from './storable.ts';

/**
 * The start of a session by the vendor's own SDK: trackStart at this instant, and only then passed on to the vendor.
 *
 * If the vendor refuses or does not answer, a session that this call started ends as `vendor_error` and costs nothing.
 * A cap that the vendor names below the grant shrinks the hold. Starting a running session again is passed on and changes
 * nothing here. If the session ended while the vendor was asked, the vendor is asked to stop what it has started.
 *
 * @throws ServiceUnavailableError without the database: the vendor is not reached. Also when only its answer could not be
 * noted: the session then runs until its deadline
 */
export async function sdkStart(deps: SdkDeps, { token, body, ...named }: SdkRequest): Promise<SdkOutcome> {
  const { store, sdk, clock, onBackgroundError } = deps;
  const record = await recogniseToken(deps, token);
  if (record === null || record.avatarSessionId === null) return UNKNOWN_TOKEN;
  if (named.avatarSessionId !== null && named.avatarSessionId !== record.avatarSessionId) return FOREIGN_SESSION;
  if (isOver(record, clock())) return OVER;
  const { recordId, userId, sessionId, avatarSessionId } = record;
  const { outcome } = await store.start({ userId, sessionId, avatarSessionId, avatarName: null });
  if (outcome === 'ended' || outcome === 'not_found') return OVER;

  const forwarded = await sdk.start(token, body);
  if (forwarded.failure === null) {
    // Its stop may have reached the vendor before its start: then it runs there, and the page must not have it.
    if (!(await store.confirmStart({ recordId, userId }))) return OVER;
    const { capSeconds } = forwarded;
    // The session runs: that its cap could not be noted must not keep the answer from the page.
    if (capSeconds !== null) await store.cap({ recordId, userId, capSeconds }).catch(onBackgroundError);
  } else if (outcome === 'started') {
    await store.failStart({ recordId, userId, errorMessage: storable(forwarded.failure.message) });
  }
  return sdkForwarded(
    forwarded,
    outcome === 'started'
      ? 'The avatar service has not started the session; nothing is charged. Ask for a new token, or use the static avatar.'
      : 'The avatar service does not answer at the moment. The session was started before: use it, or end it.',
  );
}
