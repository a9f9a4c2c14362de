import type { VendorSdk } from '../domain/vendor-sdk.ts';
import type { AppDeps } from './deps.ts';
import { credentialFor, isOver, recogniseToken } from './recognise-token.ts';
import { sdkForwarded } from './sdk-forwarded.ts';
import { FOREIGN_SESSION, NOT_STARTED, OVER, type SdkOutcome, type SdkRequest, UNKNOWN_TOKEN } from './sdk-outcome.ts';

interface StopDeps extends AppDeps {
  readonly sdk: Pick<VendorSdk, 'stop'>;
}

/**
 * The end of a session by the vendor's own SDK: trackEnd at this instant, then passed on to the vendor, which is asked
 * again by the outbox if it does not confirm. Ending an ended session again is a success, and is not passed on. A token of this
 * service that has not started its session ends as well, and its hold is released: the vendor knows nothing of it.
 *
 * @throws ServiceUnavailableError without the database
 */
export async function sdkStop(deps: StopDeps, { token, body, ...named }: SdkRequest): Promise<SdkOutcome> {
  const { store, sdk, clock } = deps;
  const record = await recogniseToken(deps, token);
  if (record === null) return UNKNOWN_TOKEN;
  const { recordId, userId, avatarSessionId } = record;
  if (named.avatarSessionId !== null && named.avatarSessionId !== avatarSessionId) return FOREIGN_SESSION;
  const overdue = isOver(record, clock());
  if (avatarSessionId === null) {
    if (!record.isProxied) return overdue ? OVER : NOT_STARTED;
    await store.close({ recordId, userId, reason: 'user_ended', errorMessage: null });
    return { type: 'stopped', avatarSessionId };
  }
  const totals = { wordsSpoken: null, messagesCount: null, errorMessage: null };
  const { outcome } = await store.end({ userId, avatarSessionId, ...totals });
  if (overdue || outcome !== 'ended') return { type: 'stopped', avatarSessionId };

  const forwarded = await sdk.stop(credentialFor(record, token, avatarSessionId), body);
  // The outbox may have been faster, and a token that was never started is not known as a session.
  if (forwarded.failure?.kind === 'gone') return { type: 'stopped', avatarSessionId };
  return sdkForwarded(
    forwarded,
    'The session has ended here. The avatar service has not confirmed it yet. The stop is sent again: there is nothing to do.',
  );
}
