import { isOver, recogniseToken } from './recognise-token.ts';
import { sdkForwarded } from './sdk-forwarded.ts';
import {
  ALREADY_STARTED,
  type OpeningDeps,
  OVER,
  type SdkOutcome,
  type SdkRequest,
  UNKNOWN_TOKEN,
} from './sdk-outcome.ts';
import { storable } from './storable.ts';

interface OpenSdkRequest extends Pick<SdkRequest, 'token' | 'body'> {
  /** The avatar that the page has chosen; null for the one that the token was asked for with. */
  readonly avatarName: string | null;
}

/**
 * The start of a session by the vendor's own SDK where the vendor's token would open any number: trackStart at this instant
 * for the token's one session, decided in the database, and only then passed on. The record learns the session's name from
 * the answer.
 *
 * If the vendor refuses or does not answer, the record ends as `vendor_error` and costs nothing. If it ended while the
 * vendor was asked, the vendor is asked to stop what it has opened.
 *
 * @throws ServiceUnavailableError without the database: the vendor is not reached. Also when only the answer could not be
 * noted: the record then runs until its deadline
 */
export async function sdkOpen(deps: OpeningDeps, { token, body, avatarName }: OpenSdkRequest): Promise<SdkOutcome> {
  const { store, sdk, clock, onBackgroundError } = deps;
  const record = await recogniseToken(deps, token);
  if (record === null) return UNKNOWN_TOKEN;
  if (isOver(record, clock())) return OVER;
  const { recordId, userId } = record;
  const outcome = await store.open({ recordId, userId, avatarName });
  if (outcome === 'ended') return OVER;
  if (outcome === 'taken') return ALREADY_STARTED;

  const { avatarSessionId, capSeconds, ...forwarded } = await sdk.open(token, body);
  if (avatarSessionId === null) {
    const errorMessage = forwarded.failure?.message ?? 'The vendor has named no session';
    await store.failStart({ recordId, userId, errorMessage: storable(errorMessage) });
    return sdkForwarded(
      forwarded,
      'The avatar service has not opened the session; nothing is charged. Ask for a new token, or use the static avatar.',
    );
  }
  if (!(await store.name({ recordId, userId, avatarSessionId }))) return OVER;
  // The session runs: that its cap could not be noted must not keep the answer from the page.
  if (capSeconds !== null) await store.cap({ recordId, userId, capSeconds }).catch(onBackgroundError);
  return sdkForwarded(forwarded, 'The avatar service has opened the session, but its answer cannot be passed on.');
}
