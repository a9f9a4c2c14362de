import { z } from 'zod';
import {
  type ErrorCode,
  LimitExceededError,
  MASKED_MESSAGE,
  PublicError,
  ServiceUnavailableError,
  UnauthenticatedError,
} from '../../../domain/errors.ts';
import { component, enumeration, wholeNumber } from '../schemas.ts';

export interface RestAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Written as JSON. */
  readonly body: object;
}

type RestErrorCode = ErrorCode | 'NOT_FOUND' | 'SESSION_NOT_FOUND' | 'INTERNAL_SERVER_ERROR';

const success = z.literal(false).describe('Always false: the request failed.');
const message = z.string().describe('A sentence that says what is wrong and what to do next.');
const code = enumeration<RestErrorCode>('ErrorCode', 'The reason why a request failed.', {
  BAD_USER_INPUT: 'The request is invalid. The message names the value and what is wrong with it.',
  UNAUTHENTICATED: 'The JWT is missing, expired, or invalid.',
  FORBIDDEN: 'The request names another user.',
  NOT_FOUND: 'The path does not exist.',
  SESSION_NOT_FOUND: 'The session does not exist, or it belongs to another user.',
  LIMIT_EXCEEDED: 'The body is too large, or the user has requested too many tokens within a minute.',
  SERVICE_UNAVAILABLE: 'The service cannot reach its database.',
  INTERNAL_SERVER_ERROR: 'The service failed. The details are in its log.',
});

export const errorSchema = component(
  'Error',
  'A request that failed.',
  { success, message, code },
  { success: false, message: 'session_id: This is missing.', code: 'BAD_USER_INPUT' },
);

export const retryableErrorSchema = component(
  'RetryableError',
  'A request that failed and can be retried after a delay.',
  {
    success,
    message,
    code,
    retry_after_seconds: wholeNumber.describe('The number of seconds to wait before a retry.'),
  },
  {
    success: false,
    message: 'No more than 30 tokens are given to one user in a minute. Try again in 12 s.',
    code: 'LIMIT_EXCEEDED',
    retry_after_seconds: 12,
  },
);

export type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 413 | 415 | 429 | 500 | 503;

/** A request that HTTP has a status for: an unknown path or session, a wrong method, a body that cannot be read. */
export class RequestRefusal extends Error {
  readonly status: ErrorStatus;
  readonly code: RestErrorCode;
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

const STATUSES: Record<ErrorCode, ErrorStatus> = {
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  LIMIT_EXCEEDED: 429,
  SERVICE_UNAVAILABLE: 503,
};

/**
 * The one place where an error becomes an answer of REST. Errors that were written for the caller keep their message.
 * Any other error is masked and passed to `log`.
 */
export function errorAnswer(error: unknown, log: (error: unknown) => void): RestAnswer {
  if (error instanceof RequestRefusal) {
    const { status, headers, message, code } = error;
    return { status, headers, body: errorShape(message, code) };
  }
  if (error instanceof LimitExceededError || error instanceof ServiceUnavailableError) {
    const { message, code, retryAfterSeconds } = error;
    const body: z.infer<typeof retryableErrorSchema> = {
      ...errorShape(message, code),
      retry_after_seconds: retryAfterSeconds,
    };
    return { status: STATUSES[code], headers: { 'retry-after': String(retryAfterSeconds) }, body };
  }
  if (error instanceof PublicError) {
    return {
      status: STATUSES[error.code],
      body: errorShape(error.message, error.code),
      ...(error instanceof UnauthenticatedError && { headers: { 'www-authenticate': 'Bearer' } }),
    };
  }
  log(error);
  return { status: 500, body: errorShape(MASKED_MESSAGE, 'INTERNAL_SERVER_ERROR') };
}

function errorShape(message: string, code: RestErrorCode): z.infer<typeof errorSchema> {
  return { success: false, message, code };
}
