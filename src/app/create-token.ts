import { randomUUID } from 'node:crypto';
import type { Caller } from '../domain/caller.ts';
import { BadUserInputError, ServiceUnavailableError, VendorFailure } from '../domain/errors.ts';
import type { Saved } from '../domain/store.ts';
import type { MintedToken } from '../domain/vendor.ts';
import type { AppDeps } from './deps.ts';
import { endUnminted, expiryOf, issueToken } from './issue-token.ts';
import { defaultAvatar, readQuota } from './read-quota.ts';
import { hashToken } from './recognise-token.ts';
import {
  admissionRefusal,
  outOfCredits,
  supersededToken,
  type TokenRefusal,
  tooManyTokens,
  vendorRefusal,
} from './refusals.ts';
import { stopUnrecorded } from './stop-unrecorded.ts';
import { storable } from './storable.ts';

export interface CreateTokenInput {
  readonly sessionId: string;
  readonly avatarName: string | null;
}

export interface CreatedToken {
  readonly type: 'token';
  /** For the vendor's SDK. Only its hash is kept. */
  readonly token: string;
  readonly saved: Saved;
  /** The vendor's session id, where it names one at the mint. */
  readonly avatarSessionId: string | null;
  /** The token must be used before this moment. */
  readonly expiresAt: Date;
  /** The grant. */
  readonly maxDurationSeconds: number;
}

export type CreateTokenOutcome = CreatedToken | TokenRefusal;

/**
 * Holds quota, and only then issues a token, capped at what is held.
 *
 * A vendor failure releases the hold. If this process dies in between, the hold is released when the token's time to
 * live has passed. A minted token that cannot be saved is a vendor failure, and its session is stopped.
 *
 * @throws BadUserInputError for an avatar that the deployment does not know
 * @throws LimitExceededError for more tokens in a minute than are allowed
 * @throws ServiceUnavailableError without the database: no token is issued
 */
export async function createToken(deps: AppDeps, caller: Caller, input: CreateTokenInput): Promise<CreateTokenOutcome> {
  const { store, vendor, balance, policy } = deps;
  const { userId } = caller;
  const avatarName = chooseAvatar(deps, input.avatarName);
  const vendorMode = vendor.modeOf(avatarName);
  if (!(await balance.covers(vendorMode, policy.minSessionSeconds))) return outOfCredits();
  const recordId = randomUUID();
  const hold = await store.hold({
    recordId,
    userId,
    sessionId: input.sessionId,
    avatarName,
    vendor: vendor.name,
    vendorMode,
    pricePerMinute: policy.pricePerMinute,
    vendorCaps: vendor.capabilities.capAtMint,
  });
  if (hold.outcome === 'rate_limited') throw tooManyTokens(deps, hold.retryAt);
  if (hold.outcome !== 'granted') return admissionRefusal(deps, hold, await readQuota(deps, userId));

  const maxSessionSeconds = hold.grantSeconds;
  let issued: MintedToken;
  try {
    issued = await issueToken(deps, { recordId, avatarName, maxSessionSeconds });
  } catch (error) {
    return endUnminted(deps, { recordId, userId }, error);
  }

  const expiresAt = expiryOf(deps);
  const { token, avatarSessionId } = issued;
  let saved: Saved | null;
  try {
    saved = await store.attach({ recordId, userId, avatarSessionId, tokenHash: hashToken(token) });
  } catch (error) {
    return discardMinted(deps, { recordId, userId, avatarSessionId }, error);
  }
  if (!saved) return supersededToken(deps, await readQuota(deps, userId));
  return {
    type: 'token',
    token,
    saved,
    avatarSessionId,
    expiresAt,
    maxDurationSeconds: maxSessionSeconds,
  };
}

/**
 * A token that was minted and could not be saved goes out to nobody, and the session that it names is stopped.
 *
 * @throws ServiceUnavailableError without the database: the hold is released when the token's time to live has passed
 */
async function discardMinted(
  deps: AppDeps,
  { avatarSessionId, ...record }: { recordId: string; userId: string; avatarSessionId: string | null },
  cause: unknown,
): Promise<TokenRefusal> {
  if (avatarSessionId === null) deps.onBackgroundError(cause);
  else await stopUnrecorded(deps, avatarSessionId, cause);
  if (cause instanceof ServiceUnavailableError) throw cause;
  const errorMessage = `The minted session could not be saved: ${cause instanceof Error ? cause.message : cause}`;
  await deps.store.close({ ...record, reason: 'vendor_error', errorMessage: storable(errorMessage) });
  return vendorRefusal(new VendorFailure('unknown', errorMessage));
}

/** The avatar to mint for: the requested one, or the default of the deployment. */
export function chooseAvatar(
  { vendor }: AppDeps,
  avatarName: string | null,
  argumentPath: readonly string[] = ['input', 'avatarName'],
): string {
  const name = avatarName ?? defaultAvatar(vendor);
  if (vendor.knowsAvatar(name)) return name;
  throw new BadUserInputError(`Unknown avatar "${name}". Use one of: ${vendor.avatarNames.join(', ')}.`, argumentPath);
}
