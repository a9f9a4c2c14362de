import { randomUUID } from 'node:crypto';
import { decodeJwt, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { createProxyTokens } from '../../../src/server/proxy-tokens.ts';

const SECRET = 'a-secret-that-is-long-enough-for-hs256';
const request = () => ({
  recordId: randomUUID(),
  expiresAt: new Date('2026-11-10T12:05:00Z'),
  sdkClaims: { start_session_data: { mode: 'LITE' } },
});

describe('a session token of this service', () => {
  it('names its record and its expiry, and what the vendor’s SDK reads', async () => {
    const issued = request();
    expect(decodeJwt(await createProxyTokens([SECRET]).issue(issued))).toEqual({
      jti: issued.recordId,
      exp: Date.parse('2026-11-10T12:05:00Z') / 1000,
      start_session_data: { mode: 'LITE' },
    });
  });

  it('is recognized by every node with the same secret, also past its expiry', async () => {
    const token = await createProxyTokens([SECRET]).issue(request());
    expect(await createProxyTokens([SECRET]).isOwn(token)).toBe(true);
  });

  it('is recognized while the secret is rotated, and no longer', async () => {
    const token = await createProxyTokens(['old']).issue(request());
    expect(await createProxyTokens(['new', 'old']).isOwn(token)).toBe(true);
    expect(await createProxyTokens(['new']).isOwn(token)).toBe(false);
  });

  it('is not signed by the secret itself: it is no JWT of a user', async () => {
    const token = await createProxyTokens([SECRET]).issue(request());
    await expect(jwtVerify(token, Buffer.from(SECRET), { currentDate: new Date(0) })).rejects.toThrow('signature');
  });
});

it.each(['', 'x', 'eyJ0b2tlbiI6IngifQ==', 'a.b.c', 'eyJhbGciOiJub25lIn0.e30.'])(
  '%j is not recognized',
  async (token) => {
    expect(await createProxyTokens([SECRET]).isOwn(token)).toBe(false);
  },
);
