import type { Caller } from '../domain/caller.ts';
import type { QuotaView } from '../domain/quota-view.ts';
import { viewQuota } from '../domain/quota-view.ts';
import { chooseAvatar } from './create-token.ts';
import type { AppDeps } from './deps.ts';
import { admissionRefusal, outOfCredits, type TokenRefusal, tooManyTokens } from './refusals.ts';

export interface SessionPermission {
  readonly allowed: boolean;
  readonly reason: TokenRefusal['code'] | 'TOKEN_RATE_LIMITED' | null;
  readonly message: string;
  /** The refusal that `createToken` would return. Null if allowed, and for the token rate, which it throws. */
  readonly refusal: TokenRefusal | null;
  /** The grant in seconds, 0 if not allowed. */
  readonly maxDurationSeconds: number;
  readonly quota: QuotaView;
}

/**
 * Predicts the outcome of `createToken` at this moment. Holds nothing and writes nothing.
 *
 * @throws BadUserInputError for an avatar that the deployment does not know
 */
export async function canCreateSession(
  deps: AppDeps,
  caller: Caller,
  sessionId: string | null,
  avatarName: string | null,
): Promise<SessionPermission> {
  const { store, vendor, balance, policy, clock } = deps;
  const chosen = chooseAvatar(deps, avatarName, ['avatarName']);
  const vendorMode = vendor.modeOf(chosen);
  const { pricePerMinute } = policy;
  const wish = { avatarName: chosen, vendor: vendor.name, vendorMode, pricePerMinute, sessionId };
  const [{ admission, state }, isFunded] = await Promise.all([
    store.foresee(caller.userId, wish),
    balance.covers(vendorMode, policy.minSessionSeconds),
  ]);
  const quota = viewQuota(state, policy, clock());
  const refused = (refusal: TokenRefusal): SessionPermission => ({
    allowed: false,
    reason: refusal.code,
    message: refusal.message,
    refusal,
    maxDurationSeconds: 0,
    quota,
  });
  const allowed = (grantSeconds: number): SessionPermission => {
    const message = `A session of up to ${grantSeconds} seconds can start.`;
    return { allowed: true, reason: null, message, refusal: null, maxDurationSeconds: grantSeconds, quota };
  };
  if (!isFunded) return refused(outOfCredits());

  if ('grantSeconds' in admission) {
    return allowed(admission.grantSeconds);
  }
  if (admission.outcome === 'rate_limited') {
    const { message } = tooManyTokens(deps, admission.retryAt);
    return { allowed: false, reason: 'TOKEN_RATE_LIMITED', message, refusal: null, maxDurationSeconds: 0, quota };
  }
  return refused(admissionRefusal(deps, admission, quota));
}
