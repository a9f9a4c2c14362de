import { VendorFailure } from '../domain/errors.ts';
import { dayAt } from '../domain/period.ts';
import type { QuotaLimit } from '../domain/quota.ts';
import type { QuotaView } from '../domain/quota-view.ts';
import type { AppDeps } from './deps.ts';

/** The month's quota does not cover another session. */
export interface QuotaExceeded {
  readonly type: 'quota_exceeded';
  readonly code: 'QUOTA_EXCEEDED' | 'QUOTA_INACTIVE' | 'ACCOUNT_LIMIT_REACHED' | 'ACCOUNT_CONCURRENCY_LIMIT';
  readonly message: string;
  readonly limit: QuotaLimit;
  readonly quota: QuotaView;
}

/** Running sessions leave no place for another one. */
export interface ConcurrencyLimit {
  readonly type: 'concurrency_limit';
  readonly code: 'CONCURRENCY_LIMIT' | 'SUPERSEDED';
  readonly message: string;
  readonly maxConcurrentSessions: number;
  readonly openRecordIds: readonly string[];
}

/** The vendor gave no token. */
export interface VendorRefusal {
  readonly type: 'vendor_error';
  readonly code: `VENDOR_${Uppercase<VendorFailure['kind']>}`;
  readonly message: string;
  readonly retryAfterSeconds: number | null;
}

export function quotaExceeded(deps: AppDeps, quota: QuotaView, limit: QuotaLimit): QuotaExceeded {
  const left =
    limit === 'minutes'
      ? `of ${quota.state.limitMinutes} minutes, ${formatSeconds(quota.availableSeconds)} are left`
      : `the rest of your budget does not pay for ${formatSeconds(deps.policy.minSessionSeconds)}`;
  const resets = dayAt(quota.resetsAt, deps.policy.billingTimeZone);
  return {
    type: 'quota_exceeded',
    code: 'QUOTA_EXCEEDED',
    message: `Your quota for this month does not cover another session: ${left}. It resets on ${resets}.`,
    limit,
    quota,
  };
}

export function quotaInactive(quota: QuotaView): QuotaExceeded {
  return {
    type: 'quota_exceeded',
    code: 'QUOTA_INACTIVE',
    message: 'Your quota is switched off. Ask the operator of this service to switch it on.',
    limit: 'minutes',
    quota,
  };
}

/** Not the user's quota, but what all users share: the operator's ceiling. */
export function accountExceeded(quota: QuotaView, outcome: 'account_crowded' | 'account_exceeded'): QuotaExceeded {
  const crowded = outcome === 'account_crowded';
  return {
    type: 'quota_exceeded',
    code: crowded ? 'ACCOUNT_CONCURRENCY_LIMIT' : 'ACCOUNT_LIMIT_REACHED',
    message: crowded
      ? 'All places for sessions are taken at the moment. Use the static avatar, or try again in a few minutes.'
      : 'The budget of this service for the month does not cover another session. Use the static avatar; the operator can raise the budget.',
    limit: 'cost',
    quota,
  };
}

export function concurrencyLimit(deps: AppDeps, openRecordIds: readonly string[]): ConcurrencyLimit {
  const { maxConcurrentSessions } = deps.policy;
  const sessions = maxConcurrentSessions === 1 ? 'A session is' : `${maxConcurrentSessions} sessions are`;
  return {
    type: 'concurrency_limit',
    code: 'CONCURRENCY_LIMIT',
    message: `${sessions} already running. End ${maxConcurrentSessions === 1 ? 'it' : 'one of them'} before you start another.`,
    maxConcurrentSessions,
    openRecordIds,
  };
}

export function supersededToken(deps: AppDeps, openRecordIds: readonly string[]): ConcurrencyLimit {
  return {
    type: 'concurrency_limit',
    code: 'SUPERSEDED',
    message: 'This token was given up while it was made: for a newer one, or for a lower limit. Ask for another.',
    maxConcurrentSessions: deps.policy.maxConcurrentSessions,
    openRecordIds,
  };
}

const VENDOR_MESSAGES: Record<VendorFailure['kind'], string> = {
  concurrency: 'The avatar service is at its limit of simultaneous sessions. Try again in a moment.',
  no_funds: 'The avatar service has no credits left. Use the static avatar; the operator has to top them up.',
  rate_limited: 'The avatar service is asked too often at the moment. Try again shortly.',
  invalid:
    'The avatar service did not accept this avatar. Use the static avatar; the operator has to check its settings.',
  unauthorized: 'The avatar service did not accept our key. Use the static avatar; the operator has to check it.',
  gone: 'The avatar service does not know this avatar. Use the static avatar; the operator has to check its settings.',
  retired:
    'The avatar service has been closed down by its vendor. Use the static avatar; the operator has to choose another.',
  unavailable: 'The avatar service does not answer at the moment. Use the static avatar, or try again shortly.',
  unknown: 'The avatar service gave no token. Use the static avatar, or try again shortly.',
};

/** How soon to try again when the vendor does not say; null where trying again does not help. */
const RETRY_AFTER_SECONDS: Record<VendorFailure['kind'], number | null> = {
  concurrency: 15,
  no_funds: null,
  rate_limited: 1,
  invalid: null,
  unauthorized: null,
  gone: null,
  retired: null,
  unavailable: 10,
  unknown: 10,
};

/** What the user is told of a vendor's failure. Its own words stay in the record, for the operator. */
export function vendorRefusal(failure: VendorFailure): VendorRefusal {
  return {
    type: 'vendor_error',
    code: `VENDOR_${failure.kind.toUpperCase() as Uppercase<VendorFailure['kind']>}`,
    message: VENDOR_MESSAGES[failure.kind],
    retryAfterSeconds: failure.retryAfterSeconds ?? RETRY_AFTER_SECONDS[failure.kind],
  };
}

/** The vendor's credits do not cover the shortest session: it is not asked. */
export function outOfCredits(): VendorRefusal {
  return vendorRefusal(new VendorFailure('no_funds', 'The credits do not cover the shortest session'));
}

function formatSeconds(seconds: number): string {
  return seconds < 60 ? `${seconds} seconds` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
