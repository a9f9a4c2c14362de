import { VendorFailure } from '../domain/errors.ts';
import type { MintedToken, MintRequest } from '../domain/vendor.ts';
import type { AppDeps } from './deps.ts';
import { type VendorRefusal, vendorRefusal } from './refusals.ts';
import { storable } from './storable.ts';

/** A token that can be handed out. */
export interface IssuedToken extends Omit<MintedToken, 'endsAt'> {
  /** Until when the vendor accepts it. Null for one of this service, which the vendor does not know. */
  readonly endsAt: Date | null;
}

interface TokenRequest extends MintRequest {
  readonly recordId: string;
}

/**
 * The token that `createToken` returns: the vendor's or, with `proxy` delivery, one of this service's own. The vendor is then
 * asked for its token when the session starts.
 *
 * @throws VendorFailure
 */
export async function issueToken(deps: AppDeps, { recordId, ...mint }: TokenRequest): Promise<IssuedToken> {
  const { vendor, delivery, proxyTokens } = deps;
  if (delivery === 'direct') return vendor.mint(mint);
  const sdkClaims = vendor.sdkClaims(mint.avatarName);
  const token = await proxyTokens.issue({ recordId, expiresAt: expiryOf(deps), sdkClaims });
  return { avatarSessionId: null, token, endsAt: null };
}

/** When a token that is issued now expires. */
export function expiryOf({ clock, policy }: Pick<AppDeps, 'clock' | 'policy'>): Date {
  return new Date(clock().getTime() + policy.tokenTtlSeconds * 1000);
}

/** Ends the record of a token that the vendor did not mint. Its hold is released. */
export async function endUnminted(
  { store }: AppDeps,
  { recordId, userId }: { readonly recordId: string; readonly userId: string },
  error: unknown,
): Promise<VendorRefusal> {
  const failure = error instanceof VendorFailure ? error : new VendorFailure('unknown', String(error));
  await store.close({ recordId, userId, reason: 'vendor_error', errorMessage: storable(failure.message) });
  return vendorRefusal(failure);
}
