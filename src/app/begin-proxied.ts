import type { MintedToken } from '../domain/vendor.ts';
import type { AppDeps } from './deps.ts';
import { endUnminted } from './issue-token.ts';
import type { RecognisedToken } from './recognise-token.ts';
import { ALREADY_STARTED, type Begun, OVER, type SdkRefused, type SdkUnanswered } from './sdk-outcome.ts';

interface ExchangeDeps extends AppDeps {
  readonly exchanging: Set<string>;
}

const BAD_GATEWAY = 502;

/**
 * Exchanges a token of this service for the vendor's, capped at what is held, and starts its session here. The vendor's token
 * comes first: a session whose name the vendor knows is never without it here, so that it can be stopped and compared. A vendor's
 * token that is not used costs nothing, and is dropped.
 *
 * Several calls at once on one node mint one token. If the vendor mints none, the record ends as `vendor_error`.
 *
 * @param avatarName the avatar that the page has chosen. Null for that of `createToken`
 */
export async function beginProxied(
  deps: ExchangeDeps,
  record: RecognisedToken,
  avatarName: string | null,
): Promise<Begun | SdkRefused | SdkUnanswered> {
  const { store, exchanging } = deps;
  const { recordId, userId, grantSeconds } = record;
  if (record.status !== 'reserved' || exchanging.has(recordId)) return ALREADY_STARTED;
  exchanging.add(recordId);
  try {
    const minted = await mint(deps, record, avatarName);
    if ('type' in minted) return minted;
    const { token: vendorToken, avatarSessionId } = minted;
    const outcome = await store.open({ recordId, userId, avatarName, avatarSessionId });
    if (outcome === 'started') return { type: 'begun', vendorToken, isFirst: true, capSeconds: grantSeconds };
    return outcome === 'taken' ? ALREADY_STARTED : OVER;
  } finally {
    exchanging.delete(recordId);
  }
}

async function mint(
  deps: AppDeps,
  record: RecognisedToken,
  avatarName: string | null,
): Promise<MintedToken | SdkUnanswered> {
  try {
    const request = { avatarName: avatarName ?? record.avatarName, maxSessionSeconds: record.grantSeconds };
    return await deps.vendor.mint(request);
  } catch (error) {
    const { message, retryAfterSeconds } = await endUnminted(deps, record, error);
    return {
      type: 'unanswered',
      status: BAD_GATEWAY,
      message: `${message} Nothing was charged. To retry, request a new token with createToken.`,
      retryAfterSeconds,
    };
  }
}
