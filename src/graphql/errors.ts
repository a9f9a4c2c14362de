import { PothosValidationError } from '@pothos/core';
import { GraphQLError, type GraphQLErrorExtensions } from 'graphql';
import {
  BadUserInputError,
  type ErrorCode,
  MASKED_MESSAGE,
  PublicError,
  UnauthenticatedError,
} from '../domain/errors.ts';
import { argumentPathOf } from './argument-path.ts';

/** Messages quote the request; a request must not be answered with a hundred times its size. */
const MAX_MESSAGE_CHARACTERS = 500;

/** What this API calls the errors that the libraries beneath it name otherwise. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  BAD_REQUEST: 'BAD_USER_INPUT',
  OPERATION_RESOLUTION_FAILURE: 'BAD_USER_INPUT',
  REQUEST_ENTITY_TOO_LARGE: 'LIMIT_EXCEEDED',
};

/**
 * The one place where an error becomes what a client sees. Errors that were written for the caller keep their words;
 * any other is masked, and handed to `log`.
 */
export function toClientError(error: unknown, log: (error: unknown) => void): GraphQLError {
  const cause = rootCause(error);
  if (cause instanceof PublicError) return publicError(cause, error);
  if (cause instanceof PothosValidationError) return withCode(error, cause.message, { code: 'BAD_USER_INPUT' });
  if (error instanceof GraphQLError && cause instanceof GraphQLError && blamesRequest(error, cause)) {
    return requestError(error, cause);
  }
  log(cause);
  return withCode(error, MASKED_MESSAGE, { code: 'INTERNAL_SERVER_ERROR' });
}

/** What validation finds in a document. The pipeline adds the code. */
export function toValidationError(error: GraphQLError): GraphQLError {
  const { message, nodes, extensions } = error;
  const argumentPath = argumentPathOf(error);
  return new GraphQLError(shorten(message), {
    nodes,
    extensions: { ...extensions, ...(argumentPath && { argumentPath }) },
  });
}

/** Cuts what the message quotes of a long request. */
function shorten(message: string): string {
  return message.length > MAX_MESSAGE_CHARACTERS ? `${message.slice(0, MAX_MESSAGE_CHARACTERS)}…` : message;
}

function rootCause(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError ? rootCause(error.originalError) : error;
}

function publicError(cause: PublicError, error: unknown): GraphQLError {
  return withCode(error, cause.message, {
    code: cause.code,
    ...(cause instanceof BadUserInputError && cause.argumentPath.length > 0 && { argumentPath: cause.argumentPath }),
    ...('retryAfterSeconds' in cause && { retryAfterSeconds: cause.retryAfterSeconds }),
    ...(cause instanceof UnauthenticatedError && {
      http: { status: 401, headers: { 'www-authenticate': 'Bearer' } },
    }),
  });
}

const ARGUMENT = /^Argument "(\w+)"/;

/** Within a field only its arguments are the caller's doing: a result that its type does not take is ours. */
function blamesRequest({ path }: GraphQLError, cause: GraphQLError): boolean {
  return path === undefined || cause.extensions.code !== undefined || ARGUMENT.test(cause.message);
}

/** An error of the request itself: of its document, or of its variables. */
function requestError(error: GraphQLError, cause: GraphQLError): GraphQLError {
  const { code, http } = cause.extensions;
  const ours = typeof code === 'string' ? CODES[code] : 'BAD_USER_INPUT';
  // An error within a field names the field, and its cause the argument.
  const argumentPath = argumentPathOf(cause.nodes ? cause : error);
  return withCode(error, error.message, {
    code: ours ?? code,
    // A request that is not GraphQL at all is also refused by its status, whatever response format was requested.
    ...(http !== undefined && { http: ours ? { ...http, spec: false } : http }),
    ...(argumentPath && { argumentPath }),
  });
}

function withCode(error: unknown, message: string, extensions: GraphQLErrorExtensions): GraphQLError {
  const { nodes, source, positions, path } = error instanceof GraphQLError ? error : {};
  return new GraphQLError(shorten(message), { nodes, source, positions, path, extensions });
}
