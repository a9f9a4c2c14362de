import { GraphQLError } from 'graphql';
import { describe, expect, test } from 'vitest';
import { LimitExceededError, UnauthenticatedError } from '../../../src/domain/errors.ts';
import { toClientError } from '../../../src/graphql/errors.ts';

/** What the client sees of an error, and what goes into the log. */
function shown(error: unknown) {
  const logged: unknown[] = [];
  const { message, extensions } = toClientError(error, (hidden) => logged.push(hidden));
  return { message, extensions, logged };
}

const within = (originalError: Error) => new GraphQLError(originalError.message, { path: ['quota'], originalError });

describe('an error is masked and logged', () => {
  test.each([
    ['that nobody expected', new Error('connect ECONNREFUSED 10.0.0.5:5432')],
    [
      'of a result that its type does not take',
      new GraphQLError('Int cannot represent non 32-bit signed integer value: 4294967294'),
    ],
    ['that is none', 'SELECT failed'],
  ])('%s', (_what, cause) => {
    const error = cause instanceof Error ? within(cause) : cause;
    expect(shown(error)).toEqual({
      message: 'Something went wrong on our side. Try again; if it happens again, tell the operator.',
      extensions: { code: 'INTERNAL_SERVER_ERROR' },
      logged: [cause],
    });
  });
});

test('an error that was written for the caller is shown, and not logged', () => {
  expect(shown(within(new LimitExceededError('Try again in 3 s.', 3)))).toEqual({
    message: 'Try again in 3 s.',
    extensions: { code: 'LIMIT_EXCEEDED', retryAfterSeconds: 3 },
    logged: [],
  });
  expect(shown(new UnauthenticatedError('missing', 'A token is needed.')).extensions).toMatchObject({
    code: 'UNAUTHENTICATED',
    http: { status: 401 },
  });
});

test('the names that libraries have for a bad request become ours', () => {
  for (const [code, ours] of [
    ['BAD_REQUEST', 'BAD_USER_INPUT'],
    ['OPERATION_RESOLUTION_FAILURE', 'BAD_USER_INPUT'],
    ['REQUEST_ENTITY_TOO_LARGE', 'LIMIT_EXCEEDED'],
    ['GRAPHQL_PARSE_FAILED', 'GRAPHQL_PARSE_FAILED'],
  ]) {
    expect(shown(new GraphQLError('No.', { extensions: { code, originalError: { name: 'SyntaxError' } } }))).toEqual({
      message: 'No.',
      extensions: { code: ours },
      logged: [],
    });
  }
});

test('a message does not quote all of a long request', () => {
  expect(shown(new GraphQLError('x'.repeat(60_000))).message).toBe(`${'x'.repeat(500)}…`);
});
