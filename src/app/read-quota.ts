import { type BillingPeriod, periodAt } from '../domain/period.ts';
import { type QuotaView, viewQuota } from '../domain/quota-view.ts';
import type { AppDeps } from './deps.ts';

/** A user's quota as it stands now, of the current period unless another is named. Writes nothing. */
export async function readQuota(deps: AppDeps, userId: string, period?: BillingPeriod | null): Promise<QuotaView> {
  const state = await deps.store.read(userId, period ?? currentPeriod(deps));
  return viewQuota(state, deps.policy, deps.clock());
}

/** The calendar month of the billing time zone that it is now. */
export function currentPeriod({ clock, policy }: AppDeps): BillingPeriod {
  return periodAt(clock(), policy.billingTimeZone);
}
