import { expect, it } from 'vitest';
import { tokenEnd } from '../../../src/vendors/http/token-end.ts';

const MINTED_AT = new Date('2026-11-10T12:00:00.000Z');
const jwtOf = (payload: unknown) => `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.c2ln`;

it('a token ends when it says so itself', () => {
  expect(tokenEnd(jwtOf({ exp: 1_794_312_600 }), MINTED_AT)).toEqual(new Date('2026-11-10T12:10:00.000Z'));
});

it.each([jwtOf({}), jwtOf({ exp: 'soon' }), jwtOf({ exp: -1 }), jwtOf(null), 'opaque', 'a.b.c', ''])(
  'a token that does not say when it ends, such as %s, is believed to last an hour, or as long as is set',
  (token) => {
    expect(tokenEnd(token, MINTED_AT)).toEqual(new Date('2026-11-10T13:00:00.000Z'));
    expect(tokenEnd(token, MINTED_AT, 60)).toEqual(new Date('2026-11-10T12:01:00.000Z'));
  },
);
