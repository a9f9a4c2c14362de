import { describe, expect, test } from 'vitest';
import { mayBeOneRow, toPublicError } from '../../../src/database/errors.ts';
import { ServiceUnavailableError } from '../../../src/domain/errors.ts';

function withCode(code: unknown, message = 'failed'): Error {
  return Object.assign(new Error(message), { code });
}

function underPrisma(originalCode: string): Error {
  return Object.assign(withCode('P2039'), { meta: { driverAdapterError: { cause: { originalCode } } } });
}

describe('a database that cannot be asked', () => {
  test.each([
    ['a lost connection', withCode('08006')],
    ['too many connections', withCode('53300')],
    ['a full disk', withCode('53100')],
    ['a shutdown', withCode('57P01')],
    ['a start that is not finished', withCode('57P03')],
    ['a statement that took too long', withCode('57014')],
    ['a lock that was not to be had', withCode('55P03')],
    ['a deadlock', withCode('40P01')],
    ['a refused login', withCode('28P01')],
    ['a database that is not there', withCode('3D000')],
    ['a database that one may not connect to', withCode('42501')],
    ['a database that takes no connections', withCode('55000')],
    ['a refused connection', withCode('ECONNREFUSED')],
    ['a reset connection', withCode('ECONNRESET')],
    ['an unknown host', withCode('ENOTFOUND')],
    ['a pool of Prisma without a connection', withCode('P2024')],
    ['a shutdown that Prisma has no code for', underPrisma('57P01')],
    ['a connection cut off', new Error('Connection terminated unexpectedly')],
    ['a connection not given in time', new Error('timeout exceeded when trying to connect')],
    ['a pool at its end', new Error('Cannot use a pool after calling end on the pool')],
    ['a cause of that kind', new Error('query failed', { cause: withCode('08006') })],
    ['several addresses that all refuse', new AggregateError([withCode('ECONNREFUSED'), withCode('ENETUNREACH')])],
  ])('is recognised by %s', (_, error) => {
    const translated = toPublicError(error);
    expect(translated).toBeInstanceOf(ServiceUnavailableError);
    expect(translated).toMatchObject({ code: 'SERVICE_UNAVAILABLE', cause: error });
  });

  test.each([
    ['a broken constraint', withCode('23505')],
    ['a syntax error', withCode('42601')],
    ['a syntax error under Prisma', underPrisma('42601')],
    ['an error of the program', new TypeError('x is not a function')],
    ['a code that is a number', withCode(8006)],
    ['what is no error at all', 'ECONNREFUSED'],
    ['nothing', undefined],
  ])('is not to be seen in %s, which stays as it is', (_, error) => {
    expect(toPublicError(error)).toBe(error);
  });
});

describe('one row', () => {
  test.each(['23505', '23503', '23514', '22021', '22003', '55P03'])('may be to blame for %s', (code) => {
    expect(mayBeOneRow(withCode(code))).toBe(true);
  });

  test.each(['08006', '57014', '57P01', '42601', 'ECONNRESET', 23505, undefined])('is not to blame for %s', (code) => {
    expect(mayBeOneRow(withCode(code))).toBe(false);
  });

  test.each([undefined, null, 'failed', 23505])('is not to blame for what is no error: %s', (error) => {
    expect(mayBeOneRow(error)).toBe(false);
  });
});
