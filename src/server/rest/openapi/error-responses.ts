import type { z } from 'zod';
import { SESSION_NOT_FOUND } from '../../../app/track-outcome.ts';
import { MASKED_MESSAGE, ServiceUnavailableError } from '../../../domain/errors.ts';
import { MAX_REQUEST_BYTES } from '../../yoga.ts';
import { type ErrorStatus, errorSchema, retryableErrorSchema } from '../answers/errors.ts';

interface ErrorResponse {
  /** The name of the response among the components. */
  readonly name: string;
  readonly description: string;
  readonly headers: readonly (keyof typeof HEADERS)[];
  readonly schema: z.ZodObject;
  readonly code: z.infer<typeof errorSchema>['code'];
  readonly message: string;
  readonly retryAfterSeconds?: number;
}

/** The headers of error responses. */
export const HEADERS = {
  'WWW-Authenticate': {
    description: 'The authentication scheme that the service expects.',
    schema: { type: 'string', const: 'Bearer' },
    example: 'Bearer',
  },
  Allow: {
    description: 'The methods that the path supports.',
    schema: { type: 'string' },
    example: 'POST, OPTIONS',
  },
  'Retry-After': {
    description: 'The number of seconds to wait before a retry. The same as `retry_after_seconds` in the body.',
    schema: { type: 'integer', minimum: 0 },
    example: 5,
  },
} as const;

/** The response of each error status. Every call that can answer with the status shares it. */
export const ERROR_RESPONSES: Readonly<Record<ErrorStatus, ErrorResponse>> = {
  400: {
    name: 'BadRequest',
    description: 'A value is missing or invalid, or the body is not a JSON object. The message names the value.',
    headers: [],
    schema: errorSchema,
    code: 'BAD_USER_INPUT',
    message: 'session_id: This is missing.',
  },
  401: {
    name: 'Unauthorized',
    description: 'The JWT is missing, expired, or invalid. Retry with a fresh one.',
    headers: ['WWW-Authenticate'],
    schema: errorSchema,
    code: 'UNAUTHENTICATED',
    message: 'The token has expired: get a fresh one.',
  },
  403: {
    name: 'Forbidden',
    description: 'The `user_id` is not the user of the JWT.',
    headers: [],
    schema: errorSchema,
    code: 'FORBIDDEN',
    message: 'The user_id must be the user of the token. Leave it out.',
  },
  404: {
    name: 'NotFound',
    description: 'The session does not exist or belongs to another user (`SESSION_NOT_FOUND`).',
    headers: [],
    schema: errorSchema,
    code: SESSION_NOT_FOUND.code,
    message: SESSION_NOT_FOUND.message,
  },
  405: {
    name: 'MethodNotAllowed',
    description: 'The path exists, but not for this method.',
    headers: ['Allow'],
    schema: errorSchema,
    code: 'BAD_USER_INPUT',
    message: 'Method not allowed. Use POST.',
  },
  413: {
    name: 'PayloadTooLarge',
    description: `The body is larger than ${MAX_REQUEST_BYTES / 1024} KiB.`,
    headers: [],
    schema: errorSchema,
    code: 'LIMIT_EXCEEDED',
    message: `The body must not be larger than ${MAX_REQUEST_BYTES / 1024} KiB.`,
  },
  415: {
    name: 'UnsupportedMediaType',
    description: 'The content type of the body is not `application/json`.',
    headers: [],
    schema: errorSchema,
    code: 'BAD_USER_INPUT',
    message: 'Send the body as JSON, with the content type application/json.',
  },
  429: {
    name: 'TooManyRequests',
    description: 'The user has requested too many tokens within a minute.',
    headers: ['Retry-After'],
    schema: retryableErrorSchema,
    code: 'LIMIT_EXCEEDED',
    message: 'No more than 30 tokens are given to one user in a minute. Try again in 12 s.',
    retryAfterSeconds: 12,
  },
  500: {
    name: 'InternalServerError',
    description: 'The service failed. The details are in its log.',
    headers: [],
    schema: errorSchema,
    code: 'INTERNAL_SERVER_ERROR',
    message: MASKED_MESSAGE,
  },
  503: {
    name: 'ServiceUnavailable',
    description: 'The service cannot reach its database. No token was issued.',
    headers: ['Retry-After'],
    schema: retryableErrorSchema,
    code: 'SERVICE_UNAVAILABLE',
    message: new ServiceUnavailableError().message,
    retryAfterSeconds: new ServiceUnavailableError().retryAfterSeconds,
  },
};
