import type { Refusal, RefusalCode } from '../../app/refusals.ts';
import { builder } from '../builder.ts';

export const ErrorCodeEnum = builder.enumType('ErrorCode', {
  description: 'The reason for a refusal. Each description names the type that carries the code and what to do.',
  values: {
    QUOTA_EXCEEDED: {
      description:
        "`QuotaExceededError`: the caller's monthly quota does not cover another session. Show the fallback until `resetsAt`.",
    },
    QUOTA_INACTIVE: {
      description:
        "`QuotaExceededError`: the operator has deactivated the caller's quota. Show the fallback. Only the operator can reactivate the quota.",
    },
    ACCOUNT_LIMIT_REACHED: {
      description:
        '`QuotaExceededError`: the monthly budget that all users share does not cover another session. Show the fallback. Only the operator can raise the budget.',
    },
    ACCOUNT_CONCURRENCY_LIMIT: {
      description:
        '`QuotaExceededError`: all users together have the maximum number of open sessions. Show the fallback and retry in a few minutes.',
    },
    CONCURRENCY_LIMIT: {
      description:
        '`ConcurrencyLimitError`: the caller has the maximum number of open sessions. End one of `openSessions`, then retry.',
    },
    SUPERSEDED: {
      description:
        '`ConcurrencyLimitError`: the token was revoked before it was issued, because a newer request or a lower limit replaced it. Use the newer token, or retry.',
    },
    TOKEN_RATE_LIMITED: {
      description:
        'Only as `SessionPermission.reason`: the caller has requested too many tokens within a minute. Wait, then retry. `createToken` raises a `LIMIT_EXCEEDED` error with `extensions.retryAfterSeconds` instead.',
    },
    SESSION_NOT_FOUND: {
      description:
        "`SessionNotFoundError`: the caller has no session with the given IDs. Another user's session gets the same answer. Check the IDs.",
    },
    SESSION_ENDED: {
      description:
        '`SessionEndedError`: the session has ended, or its token has expired. Request a new token with `createToken`.',
    },
    VENDOR_CONCURRENCY: {
      description:
        "`VendorError`: the operator's account at the vendor has the maximum number of open sessions. Retry after `retryAfterSeconds`.",
    },
    VENDOR_NO_FUNDS: {
      description:
        "`VendorError`: the operator's account at the vendor has too few credits. Show the fallback. Only the operator can add credits.",
    },
    VENDOR_RATE_LIMITED: {
      description: '`VendorError`: the vendor receives too many requests. Retry after `retryAfterSeconds`.',
    },
    VENDOR_INVALID: {
      description:
        '`VendorError`: the vendor rejected the request for this avatar. Show the fallback. The operator has to check the avatar settings.',
    },
    VENDOR_UNAUTHORIZED: {
      description:
        "`VendorError`: the vendor rejected the operator's API key. Show the fallback. The operator has to check the key.",
    },
    VENDOR_GONE: {
      description:
        '`VendorError`: the vendor does not know this avatar. Show the fallback. The operator has to check the avatar settings.',
    },
    VENDOR_RETIRED: {
      description:
        '`VendorError`: the vendor has shut down its API. Show the fallback. The operator has to choose another vendor.',
    },
    VENDOR_UNAVAILABLE: {
      description: '`VendorError`: the vendor does not respond. Show the fallback, or retry after `retryAfterSeconds`.',
    },
    VENDOR_UNKNOWN: {
      description:
        '`VendorError`: the vendor failed in a way that this service does not recognize. Show the fallback, or retry after `retryAfterSeconds`.',
    },
  } as const satisfies Record<RefusalCode, { description: string }>,
});

const TYPE_NAMES = {
  quota_exceeded: 'QuotaExceededError',
  concurrency_limit: 'ConcurrencyLimitError',
  vendor_error: 'VendorError',
  session_not_found: 'SessionNotFoundError',
  session_ended: 'SessionEndedError',
} as const satisfies Record<Refusal['type'], string>;

/** The GraphQL type of a refusal. */
export function refusalTypeName({ type }: Refusal): string {
  return TYPE_NAMES[type];
}

/** A refusal is a result, not an exception. */
export const UserErrorInterface = builder.interfaceRef<Refusal>('UserError').implement({
  description:
    'A refusal: an expected outcome that is returned as a result and not as an error. Show `message`, and decide by `code`.',
  resolveType: refusalTypeName,
  fields: (t) => ({
    message: t.exposeString('message', {
      description: 'A sentence in English for the user that says what is wrong and what to do.',
    }),
    code: t.expose('code', { type: ErrorCodeEnum, description: 'The reason for the refusal, for programs.' }),
  }),
});
