import { randomUUID } from 'node:crypto';
import type { Caller } from '../domain/caller.ts';
import { BadUserInputError, ServiceUnavailableError, VendorFailure } from '../domain/errors.ts';
import { messageOf } from '../domain/message-of.ts';
import type { Held, HoldRequest, Saved } from '../domain/store.ts';
import type { AppDeps } from './deps.ts';
import { endUnminted, expiryOf, type IssuedToken, issueToken } from './issue-token.ts';
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
  /** For the vendor's SDK. Kept encrypted until its record ends. */
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

/** How long a call waits for the vendor to confirm the stop of the conversation's own session. */
const STOP_PATIENCE_MS = 3_000;
/** How long it waits for another call that mints for the same conversation: as long as a vendor may take to answer. */
const MINT_PATIENCE_MS = 12_000;
const SHORTEST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 400;

/**
 * Holds quota, and only then issues a token, capped at what is held. An unused token of the conversation is handed out again
 * instead: calls that are repeated mint nothing.
 *
 * A vendor failure releases the hold. If this process dies in between, the hold is released when the token's time to
 * live has passed. A minted token that cannot be saved is a vendor failure, and its session is stopped.
 *
 * @throws BadUserInputError for an avatar that the deployment does not know
 * @throws LimitExceededError for more tokens in a minute than are allowed
 * @throws ServiceUnavailableError without the database: no token is issued
 */
export async function createToken(deps: AppDeps, caller: Caller, input: CreateTokenInput): Promise<CreateTokenOutcome> {
  const { vendor, balance, policy } = deps;
  const avatarName = chooseAvatar(deps, input.avatarName);
  const vendorMode = vendor.modeOf(avatarName);
  if (!(await balance.covers(vendorMode, policy.minSessionSeconds))) return outOfCredits();
  const request: HoldRequest = {
    recordId: randomUUID(),
    userId: caller.userId,
    sessionId: input.sessionId,
    avatarName,
    vendor: vendor.name,
    vendorMode,
    pricePerMinute: policy.pricePerMinute,
    vendorCaps: vendor.capabilities.capAtMint,
  };
  const admission = await holdPatiently(deps, request);
  switch (admission.outcome) {
    case 'granted':
      return mint(deps, request, admission.grantSeconds);
    case 'reissued':
      return (await handOutAgain(deps, request, admission)) ?? createToken(deps, caller, input);
    case 'rate_limited':
      throw tooManyTokens(deps, admission.retryAt);
    case 'minting':
      return vendorRefusal(new VendorFailure('unavailable', 'Another call still waits for the token'));
    default:
      return admissionRefusal(deps, admission, await readQuota(deps, caller.userId));
  }
}

/** Waits for what is about to happen anyway. */
async function holdPatiently({ store, pause }: AppDeps, request: HoldRequest): Promise<Held> {
  const begun = performance.now();
  for (let wait = SHORTEST_PAUSE_MS; ; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
    const admission = await store.hold(request);
    if (performance.now() - begun >= patienceWith(admission)) return admission;
    await pause(wait);
  }
}

function patienceWith(admission: Held): number {
  if (admission.outcome === 'minting') return MINT_PATIENCE_MS;
  return 'prospect' in admission && admission.prospect?.isStopping ? STOP_PATIENCE_MS : 0;
}

async function mint(deps: AppDeps, request: HoldRequest, grantSeconds: number): Promise<CreateTokenOutcome> {
  const { recordId, userId, avatarName } = request;
  let issued: IssuedToken;
  try {
    issued = await issueToken(deps, { recordId, avatarName, maxSessionSeconds: grantSeconds });
  } catch (error) {
    return endUnminted(deps, { recordId, userId }, error);
  }

  const { token, avatarSessionId, endsAt } = issued;
  const expiresAt = expiryOf(deps);
  let saved: Saved | null;
  try {
    saved = await deps.store.attach({
      recordId,
      userId,
      avatarSessionId,
      tokenHash: hashToken(token),
      sealedToken: deps.seal.seal(token, recordId),
      ...(endsAt && { tokenEndsAt: endsAt }),
    });
  } catch (error) {
    return discardMinted(deps, { recordId, userId, avatarSessionId }, error);
  }
  if (!saved) return supersededToken(deps, await readQuota(deps, userId));
  return {
    type: 'token',
    token,
    saved,
    avatarSessionId,
    expiresAt: endsAt && endsAt < expiresAt ? endsAt : expiresAt,
    maxDurationSeconds: grantSeconds,
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
  const errorMessage = `The minted session could not be saved: ${messageOf(cause)}`;
  await deps.store.close({ ...record, reason: 'vendor_error', errorMessage: storable(errorMessage) });
  return vendorRefusal(new VendorFailure('unknown', errorMessage));
}

/** Null for a token that cannot be read any more: its record ends, so that another one can be minted. */
async function handOutAgain(
  { store, seal }: AppDeps,
  { userId }: HoldRequest,
  { recordId, saved, sealedToken, avatarSessionId, expiresAt, grantSeconds }: Held & { readonly outcome: 'reissued' },
): Promise<CreatedToken | null> {
  const token = seal.open(sealedToken, recordId);
  if (token !== null) {
    return { type: 'token', token, saved, avatarSessionId, expiresAt, maxDurationSeconds: grantSeconds };
  }
  await store.close({ recordId, userId, reason: 'superseded', errorMessage: null });
  return null;
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
