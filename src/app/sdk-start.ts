import { beginProxied } from './begin-proxied.ts';
import { isOver, type RecognisedToken, recogniseToken } from './recognise-token.ts';
import { isFinal } from './refusals.ts';
import { sdkForwarded } from './sdk-forwarded.ts';
import {
  type Begun,
  FOREIGN_SESSION,
  OVER,
  type SdkDeps,
  type SdkOutcome,
  type SdkRefused,
  type SdkRequest,
  UNKNOWN_TOKEN,
} from './sdk-outcome.ts';
import { storable } from './storable.ts';

const NOT_ANSWERED =
  'The avatar service does not answer at the moment. The session was started before: use it, or end it.';

/**
 * The start of a session by the vendor's own SDK: trackStart at this instant, and only then passed on to the vendor. A token of
 * this service is exchanged for the vendor's before, and starts once.
 *
 * If the vendor refuses or does not answer, nothing is charged; the vendor's own token is unused again if another attempt may
 * succeed. That the session runs already is no failure: it was started past this service. A cap that the vendor names below the
 * grant shrinks the hold. Starting a running session again with the vendor's own token is passed on and changes nothing here. If the
 * session ended while the vendor was asked, the vendor is asked to stop what it has started.
 *
 * @throws ServiceUnavailableError without the database: the vendor is not reached. Also when only its answer could not be
 * noted: the session then runs until its deadline
 */
export async function sdkStart(deps: SdkDeps, { token, body, ...named }: SdkRequest): Promise<SdkOutcome> {
  const { store, sdk, clock, onBackgroundError } = deps;
  const record = await recogniseToken(deps, token);
  if (record === null) return UNKNOWN_TOKEN;
  if (named.avatarSessionId !== null && named.avatarSessionId !== record.avatarSessionId) return FOREIGN_SESSION;
  if (isOver(record, clock())) return OVER;
  const begun = record.isProxied ? await beginProxied(deps, record, null) : await beginDirect(deps, record, token);
  if (begun.type !== 'begun') return begun;

  const { recordId, userId } = record;
  const forwarded = await sdk.start(begun.vendorToken, body);
  if (forwarded.failure === null) {
    // Its stop may have reached the vendor before its start: then it runs there, and the page must not have it.
    if (!(await store.confirmStart({ recordId, userId }))) return OVER;
    const capSeconds = forwarded.capSeconds ?? begun.capSeconds;
    // The session runs: that its cap could not be noted must not keep the answer from the page.
    if (capSeconds !== null) await store.cap({ recordId, userId, capSeconds }).catch(onBackgroundError);
  } else if (forwarded.ranBefore) {
    await store.confirmStart({ recordId, userId, ranBefore: begun.isFirst });
  } else if (begun.isFirst) {
    // Its session has its name, so the vendor is asked to stop it: no answer does not mean that it does not run.
    const { kind, message } = forwarded.failure;
    await store.failStart({ recordId, userId, errorMessage: storable(message), isFinal: isFinal(kind) });
  }
  return sdkForwarded(forwarded, begun.isFirst ? notStarted(record) : NOT_ANSWERED);
}

/** The vendor's own token can be started again; one of this service is exchanged once. */
function notStarted({ isProxied }: RecognisedToken): string {
  const next = isProxied ? 'Ask for a new token' : 'Try again';
  return `The avatar service has not started the session; nothing is charged. ${next}, or use the static avatar.`;
}

async function beginDirect(
  { store }: SdkDeps,
  { userId, sessionId, avatarSessionId }: RecognisedToken,
  vendorToken: string,
): Promise<Begun | SdkRefused> {
  if (avatarSessionId === null) return UNKNOWN_TOKEN;
  const { outcome } = await store.start({ userId, sessionId, avatarSessionId, avatarName: null });
  if (outcome === 'ended' || outcome === 'not_found') return OVER;
  return { type: 'begun', vendorToken, isFirst: outcome === 'started', capSeconds: null };
}
