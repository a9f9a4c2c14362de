import { admit, roomAfter, withinAccount } from '../domain/admission.ts';
import type { Caller } from '../domain/caller.ts';
import type { QuotaView } from '../domain/quota-view.ts';
import { viewQuota } from '../domain/quota-view.ts';
import { chooseAvatar } from './create-token.ts';
import type { AppDeps } from './deps.ts';
import { currentPeriod } from './read-quota.ts';
import {
  accountExceeded,
  type ConcurrencyLimit,
  concurrencyLimit,
  outOfCredits,
  type QuotaExceeded,
  quotaExceeded,
  quotaInactive,
  type VendorRefusal,
} from './refusals.ts';

export interface SessionPermission {
  readonly allowed: boolean;
  /** The reason why a token would be refused, null if it would be issued. */
  readonly reason: (QuotaExceeded | ConcurrencyLimit | VendorRefusal)['code'] | 'TOKEN_RATE_LIMITED' | null;
  readonly message: string;
  /** The grant, 0 if not allowed. */
  readonly maxDurationSeconds: number;
  readonly quota: QuotaView;
}

/** What createToken would answer at this moment, as far as the quota is concerned. Holds nothing, writes nothing. */
export async function canCreateSession(
  deps: AppDeps,
  caller: Caller,
  sessionId: string | null,
  avatarName: string | null,
): Promise<SessionPermission> {
  const vendorMode = deps.vendor.modeOf(chooseAvatar(deps, avatarName, ['avatarName']));
  const [state, price, account] = await Promise.all([
    deps.store.read(caller.userId, currentPeriod(deps)),
    deps.store.dearestPrice(deps.vendor.name, vendorMode),
    deps.store.readAccount(currentPeriod(deps)),
  ]);
  const now = deps.clock();
  const quota = viewQuota(state, deps.policy, now);
  const room = roomAfter(account, state, deps.policy, sessionId, now);
  const admission = withinAccount(admit(state, deps.policy, price, sessionId, now), room, deps.policy, price);
  const refused = (reason: SessionPermission['reason'], message: string) => ({
    allowed: false,
    reason,
    message,
    maxDurationSeconds: 0,
    quota,
  });
  switch (admission.outcome) {
    case 'granted':
      if (!(await deps.balance.covers(vendorMode, deps.policy.minSessionSeconds))) {
        const { code, message } = outOfCredits();
        return refused(code, message);
      }
      return {
        allowed: true,
        reason: null,
        message: `A session of up to ${admission.grantSeconds} seconds can start.`,
        maxDurationSeconds: admission.grantSeconds,
        quota,
      };
    case 'inactive': {
      const { code, message } = quotaInactive(quota);
      return refused(code, message);
    }
    case 'rate_limited':
      return refused('TOKEN_RATE_LIMITED', 'You have asked for many tokens within a minute. Wait a moment.');
    case 'concurrency': {
      const { code, message } = concurrencyLimit(deps, []);
      return refused(code, message);
    }
    case 'account_crowded':
    case 'account_exceeded': {
      const { code, message } = accountExceeded(quota, admission.outcome);
      return refused(code, message);
    }
    case 'exceeded': {
      const { code, message } = quotaExceeded(deps, quota, admission.limit);
      return refused(code, message);
    }
  }
}
