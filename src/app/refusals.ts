import type { Admission, Prospect } from '../domain/admission.ts';
import { LimitExceededError, VendorFailure, type VendorFailureKind } from '../domain/errors.ts';
import { dayAt } from '../domain/period.ts';
import type { OpenRecord, QuotaLimit } from '../domain/quota.ts';
import type { QuotaView } from '../domain/quota-view.ts';
import type { AppDeps } from './deps.ts';
import type { SessionEnded, SessionNotFound } from './track-outcome.ts';

/** The quota, or a ceiling that all users share, does not allow another session. */
export interface QuotaExceeded {
  readonly type: 'quota_exceeded';
  readonly code: 'QUOTA_EXCEEDED' | 'QUOTA_INACTIVE' | 'ACCOUNT_LIMIT_REACHED' | 'ACCOUNT_CONCURRENCY_LIMIT';
  readonly message: string;
  /** The limit that was exceeded. Null unless the code is `QUOTA_EXCEEDED`. */
  readonly limit: QuotaLimit | null;
  /** When quota that is still held may return; null where waiting does not help before the quota resets. */
  readonly retryAfterSeconds: number | null;
  readonly quota: QuotaView;
}

/** The user's open sessions leave no room for another one. */
export interface ConcurrencyLimit {
  readonly type: 'concurrency_limit';
  readonly code: 'CONCURRENCY_LIMIT' | 'SUPERSEDED';
  readonly message: string;
  readonly maxConcurrentSessions: number;
  /** When the place of a session that is being stopped may be free; null where the user has to end one. */
  readonly retryAfterSeconds: number | null;
  readonly openRecords: readonly OpenRecord[];
}

/** The vendor issued no token. */
export interface VendorRefusal {
  readonly type: 'vendor_error';
  readonly code: `VENDOR_${Uppercase<VendorFailureKind>}`;
  readonly message: string;
  readonly retryAfterSeconds: number | null;
}

/** Every reason for which `createToken` returns no token. */
export type TokenRefusal = QuotaExceeded | ConcurrencyLimit | VendorRefusal;

/** Every refusal that is returned as a result. */
export type Refusal = TokenRefusal | SessionNotFound | SessionEnded;

/** The code of every refusal. The token rate has one only in the answer of `canCreateSession`. */
export type RefusalCode = Refusal['code'] | 'TOKEN_RATE_LIMITED';

type Rejection = Exclude<Admission, { readonly outcome: 'granted' | 'reissued' | 'minting' | 'rate_limited' }>;

/** The refusal for a token that was not admitted. */
export function admissionRefusal(deps: AppDeps, rejection: Rejection, quota: QuotaView): TokenRefusal {
  switch (rejection.outcome) {
    case 'inactive':
      return quotaInactive(quota);
    case 'exceeded':
      return quotaExceeded(deps, quota, rejection.limit, rejection.prospect);
    case 'account_crowded':
    case 'account_exceeded':
      return accountExceeded(quota, rejection.outcome, secondsUntil(deps, rejection.prospect?.retryAt ?? null));
    case 'concurrency':
      return concurrencyLimit(deps, quota, rejection.prospect);
  }
}

function quotaExceeded(
  deps: AppDeps,
  quota: QuotaView,
  limit: QuotaLimit,
  prospect: Prospect | undefined,
): QuotaExceeded {
  const retryAfterSeconds = secondsUntil(deps, prospect?.retryAt ?? null);
  const resets = dayAt(quota.resetsAt, deps.policy.billingTimeZone);
  return {
    type: 'quota_exceeded',
    code: 'QUOTA_EXCEEDED',
    message:
      retryAfterSeconds === null
        ? `${shortage(deps, quota, limit)} Your quota resets on ${resets}.`
        : `${shortage(deps, quota, limit)} Some of it is held for an earlier session and may return in ${formatSeconds(retryAfterSeconds)}.`,
    limit,
    retryAfterSeconds,
    quota,
  };
}

function shortage({ policy }: AppDeps, { state, availableSeconds }: QuotaView, limit: QuotaLimit): string {
  if (limit === 'cost') {
    return `Your remaining budget for this month does not cover a session of ${formatSeconds(policy.minSessionSeconds)}.`;
  }
  if (state.limitMinutes === 0) return 'Your plan includes no minutes this month.';
  return `Your remaining time for this month does not cover another session: ${formatSeconds(availableSeconds)} of ${state.limitMinutes} min available.`;
}

function quotaInactive(quota: QuotaView): QuotaExceeded {
  return {
    type: 'quota_exceeded',
    code: 'QUOTA_INACTIVE',
    message: 'Your quota is deactivated. Ask the operator of this service to reactivate it.',
    limit: null,
    retryAfterSeconds: null,
    quota,
  };
}

/** A ceiling of the operator's that all users share, not the user's own quota. */
function accountExceeded(
  quota: QuotaView,
  outcome: 'account_crowded' | 'account_exceeded',
  retryAfterSeconds: number | null,
): QuotaExceeded {
  const crowded = outcome === 'account_crowded';
  return {
    type: 'quota_exceeded',
    code: crowded ? 'ACCOUNT_CONCURRENCY_LIMIT' : 'ACCOUNT_LIMIT_REACHED',
    message: crowded
      ? 'This service has reached its maximum number of simultaneous sessions. Use the static avatar, or retry in a few minutes.'
      : 'The monthly budget of this service does not cover another session. Use the static avatar. Only the operator can raise the budget.',
    limit: null,
    retryAfterSeconds,
    quota,
  };
}

function concurrencyLimit(deps: AppDeps, quota: QuotaView, prospect: Prospect | undefined): ConcurrencyLimit {
  const { maxConcurrentSessions } = deps.policy;
  const retryAfterSeconds = prospect?.isStopping ? secondsUntil(deps, prospect.retryAt) : null;
  return {
    type: 'concurrency_limit',
    code: 'CONCURRENCY_LIMIT',
    message:
      retryAfterSeconds === null
        ? tooManySessions(maxConcurrentSessions)
        : `Your last session is still being stopped. Retry in ${formatSeconds(retryAfterSeconds)}.`,
    maxConcurrentSessions,
    retryAfterSeconds,
    openRecords: quota.state.openRecords,
  };
}

function tooManySessions(maxConcurrentSessions: number): string {
  return maxConcurrentSessions === 1
    ? 'You already have an open session. End it before you start another one.'
    : `You already have ${maxConcurrentSessions} open sessions. End one of them before you start another one.`;
}

/** The token was revoked while the vendor was minting it. */
export function supersededToken({ policy: { maxConcurrentSessions } }: AppDeps, quota: QuotaView): ConcurrencyLimit {
  return {
    type: 'concurrency_limit',
    code: 'SUPERSEDED',
    message:
      'This token was revoked before it was issued: a newer request or a lower limit replaced it. Use the newer token, or request another one.',
    maxConcurrentSessions,
    retryAfterSeconds: null,
    openRecords: quota.state.openRecords,
  };
}

/** The rate is an error and not a refusal: a client that works as intended never sees it. */
export function tooManyTokens({ policy, clock }: AppDeps, retryAt: Date): LimitExceededError {
  const seconds = secondsUntil({ clock }, retryAt);
  const tokens = policy.maxTokensPerMinute === 1 ? 'one token' : `${policy.maxTokensPerMinute} tokens`;
  return new LimitExceededError(
    `You can request at most ${tokens} per minute. Retry in ${formatSeconds(seconds)}.`,
    seconds,
  );
}

function secondsUntil(deps: Pick<AppDeps, 'clock'>, at: Date): number;
function secondsUntil(deps: Pick<AppDeps, 'clock'>, at: Date | null): number | null;
function secondsUntil({ clock }: Pick<AppDeps, 'clock'>, at: Date | null): number | null {
  return at && Math.max(Math.ceil((at.getTime() - clock().getTime()) / 1000), 1);
}

/** Refusals of a start after which the same token is of no use any more. */
const FINAL: ReadonlySet<VendorFailureKind> = new Set(['invalid', 'unauthorized', 'gone', 'retired']);

/** Whether a token that the vendor has refused to start may still be started later. */
export function isFinal(kind: VendorFailureKind): boolean {
  return FINAL.has(kind);
}

const VENDOR_MESSAGES: Record<VendorFailureKind, string> = {
  concurrency: 'The avatar service has reached its maximum number of simultaneous sessions. Retry in a moment.',
  no_funds: 'The avatar service has no credits left. Use the static avatar. The operator has to add credits.',
  rate_limited: 'The avatar service is receiving too many requests. Retry shortly.',
  invalid: 'The avatar service rejected this avatar. Use the static avatar. The operator has to check its settings.',
  unauthorized:
    'The avatar service rejected the API key of this service. Use the static avatar. The operator has to check the key.',
  gone: 'The avatar service does not know this avatar. Use the static avatar. The operator has to check its settings.',
  retired:
    'The vendor has shut down the avatar service. Use the static avatar. The operator has to choose another vendor.',
  unavailable: 'The avatar service is not responding. Use the static avatar, or retry shortly.',
  unknown: 'The avatar service issued no token. Use the static avatar, or retry shortly.',
};

/** Seconds to wait before a retry when the vendor names none. Null where a retry does not help. */
const RETRY_AFTER_SECONDS: Record<VendorFailureKind, number | null> = {
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

/** The user's view of a vendor failure. The vendor's own words stay in the record, for the operator. */
export function vendorRefusal(failure: VendorFailure): VendorRefusal {
  return {
    type: 'vendor_error',
    code: `VENDOR_${failure.kind.toUpperCase() as Uppercase<VendorFailureKind>}`,
    message: VENDOR_MESSAGES[failure.kind],
    retryAfterSeconds: failure.retryAfterSeconds ?? RETRY_AFTER_SECONDS[failure.kind],
  };
}

/** The vendor's credits do not cover the shortest session. The vendor is not called. */
export function outOfCredits(): VendorRefusal {
  return vendorRefusal(new VendorFailure('no_funds', 'The credits do not cover the shortest session'));
}

function formatSeconds(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60;
  if (minutes === 0) return `${rest} s`;
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}
