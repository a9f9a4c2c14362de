import type { Micros } from '../domain/money.ts';
import { type BillingPeriod, periodAt } from '../domain/period.ts';
import { type QuotaView, viewQuota } from '../domain/quota-view.ts';
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

/** The price per minute now in force for the default avatar. One query, shared by every call of the same tick. */
export async function currentPrice({ store, vendor }: AppDeps): Promise<Micros> {
  const price = await store.currentPrice(vendor.name, vendor.modeOf(defaultAvatar(vendor)));
  return price.perMinute;
}

/** The avatar of a token that names none: the first of the deployment. */
export function defaultAvatar({ avatarNames }: AvatarVendor): string {
  return avatarNames[0] ?? 'default';
}

/** A user's quota of the current period after an act of theirs, as that was saved. */
export async function readSavedQuota(deps: AppDeps, userId: string): Promise<QuotaView> {
  const state = await deps.store.readSaved(userId, currentPeriod(deps));
  return viewQuota(state, deps.policy, deps.clock());
}
