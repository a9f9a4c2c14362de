import { expect } from 'vitest';
import { expectNoInternals } from './leaks.ts';
import type { RawAnswer } from './raw-http.ts';

/** Checks that an answer over HTTP is one error with this code and status, and nothing else. */
export function expectRefusal({ status, body }: RawAnswer, expectedStatus: number, code: string): void {
  expectNoInternals(body);
  const { data, errors } = JSON.parse(body);
  expect({ status, data, codes: errors.map((error: { extensions: unknown }) => error.extensions) }).toEqual({
    status: expectedStatus,
    data: undefined,
    codes: [{ code }],
  });
  expect(errors[0].message).toMatch(/\w+ \w+/);
}
