import type { Micros } from '../domain/money.ts';
import { type BillingPeriod, periodAt } from '../domain/period.ts';
import { type QuotaView, viewQuota } from '../domain/quota-view.ts';
import type { Saved } from '../domain/store.ts';
import type { AvatarVendor } from '../domain/vendor.ts';
import type { AppDeps } from './deps.ts';

/** A user's quota at this moment, for the current period unless another one is given. Writes nothing. */
export async function readQuota(deps: AppDeps, userId: string, period?: BillingPeriod | null): Promise<QuotaView> {
  const state = await deps.store.read(userId, period ?? currentPeriod(deps));
  return viewQuota(state, deps.policy, deps.clock());
}

/** The current calendar month in the billing time zone. */
export function currentPeriod({ clock, policy }: AppDeps): BillingPeriod {
  return periodAt(clock(), policy.billingTimeZone);
}

/** The price per minute now in force for the default avatar. */
export async function currentPrice({ store, vendor }: AppDeps): Promise<Micros> {
  const price = await store.currentPrice(vendor.name, vendor.modeOf(defaultAvatar(vendor)));
  return price.perMinute;
}

/** The avatar of a token that names none: the first of the deployment. */
export function defaultAvatar({ avatarNames }: AvatarVendor): string {
  return avatarNames[0] ?? 'default';
}

/** A user's quota of the current period as their act saved it. */
export function viewSaved({ policy, clock }: AppDeps, { quota }: Saved): QuotaView {
  return viewQuota(quota, policy, clock());
}
