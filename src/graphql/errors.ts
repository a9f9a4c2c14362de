import { PothosValidationError } from '@pothos/core';
import { GraphQLError, type GraphQLErrorExtensions } from 'graphql';
import { BadUserInputError, PublicError, UnauthenticatedError } from '../domain/errors.ts';

const MASKED_MESSAGE = 'Something went wrong on our side. Try again; if it happens again, tell the operator.';

/**
 * The one place where an error becomes what a client sees. Errors that were written for the caller keep their words;
 * any other is masked, and handed to `log`.
 */
export function toClientError(error: unknown, log: (error: unknown) => void): GraphQLError {
  const cause = rootCause(error);
  if (cause instanceof PublicError) return publicError(cause, error);
  if (cause instanceof PothosValidationError) return withCode(error, cause.message, { code: 'BAD_USER_INPUT' });
  if (error instanceof GraphQLError && cause instanceof GraphQLError) return requestError(error, cause);
  log(cause);
  return withCode(error, MASKED_MESSAGE, { code: 'INTERNAL_SERVER_ERROR' });
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

/** An error of the request itself: its document, or its variables, of which the outer error says which. */
function requestError(error: GraphQLError, cause: GraphQLError): GraphQLError {
  const argumentPath = /at "([^"]+)"/.exec(error.message)?.[1] ?? /^Variable "\$(\w+)"/.exec(error.message)?.[1];
  return withCode(error, error.message, {
    ...cause.extensions,
    code: cause.extensions.code ?? 'BAD_USER_INPUT',
    ...(argumentPath && { argumentPath: argumentPath.split('.') }),
  });
}

function withCode(error: unknown, message: string, extensions: GraphQLErrorExtensions): GraphQLError {
  const { nodes, source, positions, path } = error instanceof GraphQLError ? error : {};
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}
