import { randomUUID } from 'node:crypto';
import type { Caller } from '../domain/caller.ts';
import { BadUserInputError, LimitExceededError, VendorFailure } from '../domain/errors.ts';
import type { MintedToken } from '../domain/vendor.ts';
import type { AppDeps } from './deps.ts';
import { currentPeriod, readQuota } from './read-quota.ts';
import { hashToken } from './recognise-token.ts';
import {
  accountExceeded,
  type ConcurrencyLimit,
  concurrencyLimit,
  outOfCredits,
  type QuotaExceeded,
  quotaExceeded,
  quotaInactive,
  supersededToken,
  type VendorRefusal,
  vendorRefusal,
} from './refusals.ts';
import { storable } from './storable.ts';

export interface CreateTokenInput {
  readonly sessionId: string;
  readonly avatarName: string | null;
}

export interface CreatedToken {
  readonly type: 'token';
  /** For the vendor's SDK. Only its hash is kept. */
  readonly token: string;
  readonly recordId: string;
  /** The vendor's session id, where it names one at the mint. */
  readonly avatarSessionId: string | null;
  /** The token must be used before this moment. */
  readonly expiresAt: Date;
  /** The grant. */
  readonly maxDurationSeconds: number;
}

export type CreateTokenOutcome = CreatedToken | QuotaExceeded | ConcurrencyLimit | VendorRefusal;

/**
 * Holds quota, and only then asks the vendor for a token, capped at what is held.
 *
 * A vendor's failure releases the hold. If this process dies in between, the hold is released when the token's time to
 * live is over.
 *
 * @throws BadUserInputError for an avatar that the deployment does not know
 * @throws LimitExceededError for too many tokens in a minute
 * @throws ServiceUnavailableError without the database: no token goes out
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
  switch (hold.outcome) {
    case 'inactive':
      return quotaInactive(await readQuota(deps, userId));
    case 'rate_limited':
      throw tooManyTokens(deps, hold.retryAt);
    case 'concurrency':
      return concurrencyLimit(deps, await openRecordIds(deps, userId));
    case 'exceeded':
      return quotaExceeded(deps, await readQuota(deps, userId), hold.limit);
    case 'account_crowded':
    case 'account_exceeded':
      return accountExceeded(await readQuota(deps, userId), hold.outcome);
  }

  let minted: MintedToken;
  try {
    minted = await vendor.mint({ avatarName, maxSessionSeconds: hold.grantSeconds });
  } catch (error) {
    const failure = error instanceof VendorFailure ? error : new VendorFailure('unknown', String(error));
    await store.close({ recordId, userId, reason: 'vendor_error', errorMessage: storable(failure.message) });
    return vendorRefusal(failure);
  }

  const expiresAt = new Date(deps.clock().getTime() + policy.tokenTtlSeconds * 1000);
  const attached = await store.attach({
    recordId,
    avatarSessionId: minted.avatarSessionId,
    tokenHash: hashToken(minted.token),
  });
  if (!attached) return supersededToken(deps, await openRecordIds(deps, userId));
  return {
    type: 'token',
    token: minted.token,
    recordId,
    avatarSessionId: minted.avatarSessionId,
    expiresAt,
    maxDurationSeconds: hold.grantSeconds,
  };
}

/** The avatar to mint for: the one asked for, or the deployment's first. */
export function chooseAvatar(
  { vendor }: AppDeps,
  avatarName: string | null,
  argumentPath: readonly string[] = ['input', 'avatarName'],
): string {
  const name = avatarName ?? vendor.avatarNames[0] ?? 'default';
  if (vendor.knowsAvatar(name)) return name;
  throw new BadUserInputError(
    `There is no avatar "${name}" here. Choose one of: ${vendor.avatarNames.join(', ')}.`,
    argumentPath,
  );
}

function tooManyTokens({ policy, clock }: AppDeps, retryAt: Date): LimitExceededError {
  const seconds = Math.max(Math.ceil((retryAt.getTime() - clock().getTime()) / 1000), 1);
  return new LimitExceededError(
    `No more than ${policy.maxTokensPerMinute} tokens are given to one user in a minute. Try again in ${seconds} s.`,
    seconds,
  );
}

async function openRecordIds(deps: AppDeps, userId: string): Promise<string[]> {
  const state = await deps.store.read(userId, currentPeriod(deps));
  return state.openRecords.map((record) => record.id);
}
