import type { ConcurrencyLimit, QuotaExceeded, VendorRefusal } from '../../app/refusals.ts';
import type { SessionEnded, SessionNotFound } from '../../app/track-outcome.ts';
import {
  type ErrorCode,
  LimitExceededError,
  MASKED_MESSAGE,
  PublicError,
  ServiceUnavailableError,
  UnauthenticatedError,
} from '../../domain/errors.ts';
import type { UsageRecord } from '../../domain/usage-record.ts';
import { quotaShape, recordShape } from './shapes.ts';

export interface RestAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Written as JSON; an instant becomes RFC 3339. */
  readonly body: object;
}

/** A request that HTTP has a status for: no such path, a wrong method, a body that cannot be read. */
export class RequestRefusal extends Error {
  readonly status: 404 | 405 | 413 | 415;
  readonly code: ErrorCode | 'NOT_FOUND';
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: RequestRefusal['status'],
    code: RequestRefusal['code'],
    message: string,
    headers: RequestRefusal['headers'] = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export function answer(body: object): RestAnswer {
  return { status: 200, body };
}

/** What the caller can expect is an answer like any other: a frontend shows the message and decides by the code. */
export function refusal(
  outcome: QuotaExceeded | ConcurrencyLimit | VendorRefusal | SessionEnded | SessionNotFound,
  records: readonly UsageRecord[],
  at: Date,
): RestAnswer {
  const { message, code } = outcome;
  const shapes = records.map((record) => recordShape(record, at));
  switch (outcome.type) {
    case 'quota_exceeded':
      return refused(200, message, code, {
        limit: outcome.limit,
        resets_at: outcome.quota.resetsAt,
        fallback: FALLBACK,
        quota: quotaShape(outcome.quota),
      });
    case 'concurrency_limit':
      return refused(200, message, code, {
        max_concurrent_sessions: outcome.maxConcurrentSessions,
        open_sessions: shapes,
      });
    case 'vendor_error':
      return refused(200, message, code, { retry_after_seconds: outcome.retryAfterSeconds, fallback: FALLBACK });
    case 'session_ended':
      return refused(200, message, code, { record: shapes[0] });
    case 'session_not_found':
      return refused(404, message, code);
  }
}

/** What to show in place of a streaming avatar: a picture of it. */
const FALLBACK = 'static_avatar';

/**
 * The one place where an error becomes an answer of REST. Errors that were written for the caller keep their words; any
 * other is masked, and handed to `log`.
 */
export function errorAnswer(error: unknown, log: (error: unknown) => void): RestAnswer {
  if (error instanceof RequestRefusal) {
    return { ...refused(error.status, error.message, error.code), headers: error.headers };
  }
  if (error instanceof LimitExceededError || error instanceof ServiceUnavailableError) {
    const { message, code, retryAfterSeconds } = error;
    return {
      ...refused(STATUSES[error.code], message, code, { retry_after_seconds: retryAfterSeconds }),
      headers: { 'retry-after': String(retryAfterSeconds) },
    };
  }
  if (error instanceof PublicError) {
    return {
      ...refused(STATUSES[error.code], error.message, error.code),
      ...(error instanceof UnauthenticatedError && { headers: { 'www-authenticate': 'Bearer' } }),
    };
  }
  log(error);
  return refused(500, MASKED_MESSAGE, 'INTERNAL_SERVER_ERROR');
}

const STATUSES: Record<ErrorCode, number> = {
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  LIMIT_EXCEEDED: 429,
  SERVICE_UNAVAILABLE: 503,
};

function refused(status: number, message: string, code: string, more: object = {}): RestAnswer {
  return { status, body: { success: false, message, code, ...more } };
}
