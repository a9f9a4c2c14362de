import type { SessionPermission } from '../../../app/can-create-session.ts';
import type { ConcurrencyLimit, QuotaExceeded, VendorRefusal } from '../../../app/refusals.ts';
import { enumeration } from '../schemas.ts';

const QUOTA_CODES: Record<QuotaExceeded['code'], string> = {
  QUOTA_EXCEEDED: 'The user’s quota does not cover another session this month.',
  QUOTA_INACTIVE: 'The operator has deactivated the user’s quota.',
  ACCOUNT_LIMIT_REACHED: 'The budget that all users share does not cover another session this month.',
  ACCOUNT_CONCURRENCY_LIMIT:
    'All users together have reached the maximum number of open sessions. Retry in a few minutes.',
};

const CONCURRENCY_CODES: Record<ConcurrencyLimit['code'], string> = {
  CONCURRENCY_LIMIT: 'The user has reached the maximum number of open sessions.',
  SUPERSEDED: 'The token was revoked before it was issued: a newer request or a lower limit replaced it.',
};

const VENDOR_CODES: Record<VendorRefusal['code'], string> = {
  VENDOR_CONCURRENCY: 'The vendor has reached its maximum number of sessions.',
  VENDOR_NO_FUNDS: 'The vendor account has no credits left.',
  VENDOR_RATE_LIMITED: 'The vendor received too many requests.',
  VENDOR_INVALID: 'The vendor rejected the request.',
  VENDOR_UNAUTHORIZED: 'The vendor rejected the API key of the deployment.',
  VENDOR_GONE: 'The vendor does not know the avatar.',
  VENDOR_RETIRED: 'The vendor has shut down its API.',
  VENDOR_UNAVAILABLE: 'The vendor did not respond.',
  VENDOR_UNKNOWN: 'The vendor failed for an unknown reason.',
};

export const quotaExceededCode = enumeration<QuotaExceeded['code']>(
  'QuotaExceededCode',
  'The limit that refused the token.',
  QUOTA_CODES,
);

export const concurrencyLimitCode = enumeration<ConcurrencyLimit['code']>(
  'ConcurrencyLimitCode',
  'The reason why the token was refused.',
  CONCURRENCY_CODES,
);

export const vendorErrorCode = enumeration<VendorRefusal['code']>(
  'VendorErrorCode',
  'The reason why the vendor did not issue a token.',
  VENDOR_CODES,
);

/** The reasons for which a token would be refused now. */
export const refusalReason = enumeration<NonNullable<SessionPermission['reason']>>(
  'RefusalReason',
  'The reason why a token would be refused. The same as the `code` of the refusal, if not noted otherwise.',
  {
    ...QUOTA_CODES,
    ...CONCURRENCY_CODES,
    ...VENDOR_CODES,
    TOKEN_RATE_LIMITED:
      'The user has requested too many tokens within a minute. `createToken` responds with status 429.',
  },
);
