import { ServiceUnavailableError } from '../domain/errors.ts';
import { messageOf } from '../domain/message-of.ts';
import type { SessionName } from '../domain/store.ts';
import { beginProxied } from './begin-proxied.ts';
import { isOver, type RecognisedToken, recogniseToken } from './recognise-token.ts';
import { isFinal } from './refusals.ts';
import { sdkForwarded } from './sdk-forwarded.ts';
import {
  ALREADY_STARTED,
  type Begun,
  type OpeningDeps,
  OVER,
  type SdkOutcome,
  type SdkRefused,
  type SdkRequest,
  UNKNOWN_TOKEN,
} from './sdk-outcome.ts';
import { stopUnrecorded } from './stop-unrecorded.ts';
import { storable } from './storable.ts';

const NOT_SAVED: SdkOutcome = {
  type: 'unanswered',
  status: 502,
  message: 'The avatar service opened a session that cannot be tracked. Ask for a new token.',
  retryAfterSeconds: null,
};

interface OpenSdkRequest extends Pick<SdkRequest, 'token' | 'body'> {
  /** The avatar that the page has chosen; null for the one that the token was asked for with. */
  readonly avatarName: string | null;
}

/**
 * The start of a session by the vendor's own SDK where the vendor's token would open any number: trackStart at this instant
 * for the token's one session, decided in the database, and only then passed on. A token of this service is exchanged for the
 * vendor's before. The record learns the session's name from the answer.
 *
 * If the vendor refuses or does not answer, nothing is charged; the token is unused again if another attempt may succeed. If it
 * ended while the vendor was asked, or its name cannot be saved, the vendor is asked to stop what it has opened.
 *
 * @throws ServiceUnavailableError without the database: the vendor is not reached. Also when only the name could not be
 * saved: the session is stopped at the vendor, and the record runs until its deadline at the latest
 */
export async function sdkOpen(deps: OpeningDeps, { token, body, avatarName }: OpenSdkRequest): Promise<SdkOutcome> {
  const { store, sdk, clock, onBackgroundError } = deps;
  const record = await recogniseToken(deps, token);
  if (record === null) return UNKNOWN_TOKEN;
  if (isOver(record, clock())) return OVER;
  const { recordId, userId } = record;
  const begun = record.isProxied
    ? await beginProxied(deps, record, avatarName)
    : await beginDirect(deps, record, { token, avatarName });
  if (begun.type !== 'begun') return begun;

  const { avatarSessionId, capSeconds, ...forwarded } = await sdk.open(begun.vendorToken, body);
  if (avatarSessionId === null) {
    const errorMessage = forwarded.failure?.message ?? 'The vendor has named no session';
    const isOfNoUse = forwarded.failure !== null && isFinal(forwarded.failure.kind);
    await store.failStart({ recordId, userId, errorMessage: storable(errorMessage), isFinal: isOfNoUse });
    return sdkForwarded(
      forwarded,
      'The avatar service has not opened the session; nothing is charged. Ask for a new token, or use the static avatar.',
    );
  }
  const naming = await nameSession(deps, token, { recordId, userId, avatarSessionId });
  if (naming !== 'named') return naming;
  // The session runs: that its cap could not be noted must not keep the answer from the page.
  if (capSeconds !== null) await store.cap({ recordId, userId, capSeconds }).catch(onBackgroundError);
  return sdkForwarded(forwarded, 'The avatar service has opened the session, but its answer cannot be passed on.');
}

async function beginDirect(
  { store }: OpeningDeps,
  { recordId, userId }: RecognisedToken,
  { token, avatarName }: Pick<OpenSdkRequest, 'token' | 'avatarName'>,
): Promise<Begun | SdkRefused> {
  const outcome = await store.open({ recordId, userId, avatarName });
  if (outcome === 'started') return { type: 'begun', vendorToken: token, isFirst: true, capSeconds: null };
  return outcome === 'taken' ? ALREADY_STARTED : OVER;
}

/**
 * Saves the session's name, with one retry. If that fails as well, the session is stopped at the vendor, since no deadline
 * and no outbox can stop a session without a name. Once the vendor confirms that, the record ends with the seconds that it
 * ran.
 */
async function nameSession(deps: OpeningDeps, token: string, named: SessionName): Promise<'named' | SdkOutcome> {
  const { store, onBackgroundError } = deps;
  const { recordId, userId, avatarSessionId } = named;
  try {
    return (await store.name(named)) ? 'named' : OVER;
  } catch (error) {
    onBackgroundError(error);
  }
  try {
    if ((await store.name(named)) || (await isNamed(deps, token, named))) return 'named';
    return OVER;
  } catch (error) {
    if (await stopUnrecorded(deps, avatarSessionId, error)) {
      const errorMessage = storable(`The session's name could not be saved: ${messageOf(error)}`);
      await store.close({ recordId, userId, reason: 'vendor_error', errorMessage });
    }
    if (error instanceof ServiceUnavailableError) throw error;
    return NOT_SAVED;
  }
}

/** Whether the first attempt was saved although its answer was lost. */
async function isNamed(deps: OpeningDeps, token: string, { avatarSessionId }: SessionName): Promise<boolean> {
  const record = await recogniseToken(deps, token);
  return record?.status === 'active' && record.avatarSessionId === avatarSessionId;
}
