import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JwksAuth, SecretAuth, TokenRules } from '../../../src/config.ts';
import { ServiceUnavailableError, UnauthenticatedError } from '../../../src/domain/errors.ts';
import { createAuthenticator } from '../../../src/server/auth.ts';
import { issueToken } from '../../../src/server/issue-token.ts';

const NOW = Date.parse('2026-11-24T12:00:00Z') / 1000;
const SECRET = 'the secret of these tests, long enough';
const RULES: TokenRules = { issuer: null, audience: null, roleClaim: 'role', adminRole: 'admin' };
const CLAIMS: JWTPayload = { sub: 'user-1', exp: NOW + 3600 };

const at = (seconds: number) => () => new Date(seconds * 1000);

function hs256(claims: JWTPayload, secret: string | Uint8Array = SECRET): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(secret));
}

function withSecret(rules: Partial<TokenRules> = {}, clock = at(NOW)) {
  const auth: SecretAuth = { kind: 'secret', secret: SECRET, ...RULES, ...rules };
  return createAuthenticator(auth, clock);
}

async function refusal(attempt: Promise<unknown>): Promise<UnauthenticatedError> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof UnauthenticatedError) return error;
  throw error ?? new Error('The token was accepted.');
}

describe('a token signed with the secret', () => {
  it('names the user and when the proof ends', async () => {
    const caller = await withSecret().authenticate(`Bearer ${await hs256(CLAIMS)}`);
    expect(caller).toEqual({ userId: 'user-1', isAdmin: false, expiresAt: new Date((NOW + 3600) * 1000) });
  });

  it('is taken whatever the case of "Bearer" and the spaces around it', async () => {
    const token = await hs256(CLAIMS);
    await expect(withSecret().authenticate(` bearer  ${token} `)).resolves.toMatchObject({ userId: 'user-1' });
    await expect(withSecret().authenticate(`BEARER ${token}`)).resolves.toMatchObject({ userId: 'user-1' });
  });

  it('is accepted as issued by this service, with issuer, audience and role', async () => {
    const rules = { issuer: 'me', audience: 'quota', roleClaim: 'realm_access.role', adminRole: 'boss' };
    const request = { ...rules, secret: SECRET, userId: 'user-1', admin: true, ttlSeconds: 60 };
    const token = await issueToken(request, at(NOW));
    await expect(withSecret(rules).authenticate(`Bearer ${token}`)).resolves.toEqual({
      userId: 'user-1',
      isAdmin: true,
      expiresAt: new Date((NOW + 60) * 1000),
    });
  });

  it('may expire later than a date can say', async () => {
    const { expiresAt } = await withSecret().authenticate(`Bearer ${await hs256({ ...CLAIMS, exp: 1e300 })}`);
    expect(expiresAt.getTime()).toBe(8.64e15);
  });
});

describe('without a usable header', () => {
  it.each([undefined, null, '', '  '])('%j is a missing token', async (header) => {
    await expect(refusal(withSecret().authenticate(header))).resolves.toMatchObject({
      reason: 'missing',
      message: 'A token is needed: send "Authorization: Bearer <token>".',
    });
  });

  it.each(['Bearer', 'Basic dXNlcjpwYXNz', 'Bearer one two', 'a.b.c'])('%s is malformed', async (header) => {
    await expect(refusal(withSecret().authenticate(header))).resolves.toMatchObject({
      reason: 'invalid',
      message: 'The Authorization value must be "Bearer", a space and one token.',
    });
  });

  it.each(['abc', 'a.b.c', '..', 'e30.e30.', 'bnVsbA.bnVsbA.bnVsbA'])('%s is no JWT', async (token) => {
    await expect(refusal(withSecret().authenticate(`Bearer ${token}`))).resolves.toMatchObject({
      reason: 'invalid',
      message: 'The token is not a well-formed JWT.',
    });
  });
});

describe('an expired token', () => {
  it('is distinguished from a bad one, once clock skew can no longer be the cause', async () => {
    const header = `Bearer ${await hs256(CLAIMS)}`;
    await expect(withSecret({}, at(NOW + 3604)).authenticate(header)).resolves.toMatchObject({ userId: 'user-1' });
    await expect(refusal(withSecret({}, at(NOW + 3605)).authenticate(header))).resolves.toMatchObject({
      reason: 'expired',
      message: 'The token has expired: get a fresh one.',
    });
  });

  it('is refused although it was accepted before', async () => {
    let now = NOW;
    const authenticator = withSecret({}, () => new Date(now * 1000));
    const header = `Bearer ${await hs256(CLAIMS)}`;
    const caller = await authenticator.authenticate(header);
    await expect(authenticator.authenticate(header)).resolves.toBe(caller);
    now += 3605;
    await expect(refusal(authenticator.authenticate(header))).resolves.toMatchObject({ reason: 'expired' });
  });

  it('that was signed with another secret is a bad one', async () => {
    const forged = await hs256({ ...CLAIMS, exp: NOW - 3600 }, 'another secret that is long enough');
    await expect(refusal(withSecret().authenticate(`Bearer ${forged}`))).resolves.toMatchObject({ reason: 'invalid' });
  });
});

describe('a token is refused', () => {
  it.each<[string, JWTPayload, string]>([
    ['without exp', { sub: 'user-1' }, 'The token has no "exp" claim.'],
    ['without sub', { exp: NOW + 60 }, 'The token has no "sub" claim.'],
    ['before its time', { ...CLAIMS, nbf: NOW + 60 }, 'The token is not valid yet.'],
    ['without the issuer', { ...CLAIMS, aud: 'quota' }, 'The token has no "iss" claim.'],
    [
      'of another issuer',
      { ...CLAIMS, iss: 'you', aud: 'quota' },
      'The token comes from an issuer that this service does not trust.',
    ],
    ['for another audience', { ...CLAIMS, iss: 'me', aud: ['shop'] }, 'The token was issued for another audience.'],
  ])('%s', async (_, claims, message) => {
    const rules = message.includes('iss') || message.includes('audience') ? { issuer: 'me', audience: 'quota' } : {};
    const error = await refusal(withSecret(rules).authenticate(`Bearer ${await hs256(claims)}`));
    expect(error).toMatchObject({ reason: 'invalid', message, code: 'UNAUTHENTICATED' });
  });

  it('whose exp is no number', async () => {
    const claims = { sub: 'user-1', exp: 'tomorrow' } as unknown as JWTPayload;
    const [header, payload] = [{ alg: 'HS256' }, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    const signature = createHmac('sha256', SECRET).update(`${header}.${payload}`).digest('base64url');
    const error = await refusal(withSecret().authenticate(`Bearer ${header}.${payload}.${signature}`));
    expect(error.message).toBe('The token\'s "exp" claim is not valid.');
  });

  it('signed with another secret', async () => {
    const token = await hs256(CLAIMS, 'another secret that is long enough');
    const error = await refusal(withSecret().authenticate(`Bearer ${token}`));
    expect(error.message).toBe('The token is not signed with a key that this service trusts.');
  });

  it('with the algorithm none', async () => {
    const parts = [{ alg: 'none' }, CLAIMS].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
    const error = await refusal(withSecret().authenticate(`Bearer ${parts.join('.')}.`));
    expect(error.message).toBe('The token must be signed with HS256.');
  });

  it('without its content appearing in the error', async () => {
    const token = await hs256({ ...CLAIMS, sub: 'top-secret', exp: NOW - 60 });
    const error = await refusal(withSecret().authenticate(`Bearer ${token}`));
    expect(error.cause).toBeUndefined();
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toMatch(/top-secret|eyJ/);
  });
});

describe('the user id', () => {
  const SIGN = '𝒳';

  it('may have 255 characters, also those that take two code units', async () => {
    const header = `Bearer ${await hs256({ ...CLAIMS, sub: SIGN.repeat(255) })}`;
    await expect(withSecret().authenticate(header)).resolves.toMatchObject({ userId: SIGN.repeat(255) });
  });

  it.each<[string, unknown]>([
    ['empty', ''],
    ['longer', SIGN.repeat(256)],
    ['with a NUL, which PostgreSQL refuses', 'user\0'],
    ['half a character', '\ud800'],
    ['a number', 42],
  ])('must not be %s', async (_, sub) => {
    const error = await refusal(withSecret().authenticate(`Bearer ${await hs256({ ...CLAIMS, sub: sub as string })}`));
    expect(error).toMatchObject({
      reason: 'invalid',
      message: 'The token\'s "sub" claim must name the user with 1 to 255 characters.',
    });
  });
});

describe('the role', () => {
  it.each<[string, string, JWTPayload, boolean]>([
    ['as a text', 'role', { role: 'admin' }, true],
    ['in a list', 'roles', { roles: ['user', 'admin'] }, true],
    ['by a dotted path', 'realm_access.roles', { realm_access: { roles: ['admin'] } }, true],
    ['by a name that is a URL', 'https://app.example/role', { 'https://app.example/role': 'admin' }, true],
    ['not as part of a text', 'role', { role: 'administrator' }, false],
    ['not in another case', 'role', { role: 'Admin' }, false],
    ['not where the path ends early', 'realm_access.roles', { realm_access: 'admin' }, false],
    ['not by an inherited property', 'constructor.name', {}, false],
  ])('is found %s', async (_, roleClaim, claims, isAdmin) => {
    const adminRole = roleClaim === 'constructor.name' ? 'Object' : 'admin';
    const header = `Bearer ${await hs256({ ...CLAIMS, ...claims })}`;
    await expect(withSecret({ roleClaim, adminRole }).authenticate(header)).resolves.toMatchObject({ isAdmin });
  });
});

describe('with remote keys', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed = generateKeyPairSync('ed25519');
  let published: { status: number; body: string };
  let jwks: JWK[];
  let fetches: number;
  let server: Server;

  beforeAll(async () => {
    const keys = { rsa, ec, ed };
    jwks = await Promise.all(
      Object.entries(keys).map(async ([kid, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid, use: 'sig' })),
    );
    server = createServer((_, response) => {
      fetches += 1;
      response.writeHead(published.status, { 'content-type': 'application/json' }).end(published.body);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  beforeEach(() => {
    fetches = 0;
    published = { status: 200, body: JSON.stringify({ keys: jwks }) };
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  function withKeys(jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`) {
    const auth: JwksAuth = { kind: 'jwks', jwksUrl, ...RULES };
    return createAuthenticator(auth, at(NOW));
  }

  function signed(alg: string, key: KeyObject, kid?: string): Promise<string> {
    return new SignJWT(CLAIMS).setProtectedHeader({ alg, ...(kid && { kid }) }).sign(key);
  }

  it.each([
    ['RS256', 'rsa', rsa.privateKey],
    ['ES256', 'ec', ec.privateKey],
    ['EdDSA', 'ed', ed.privateKey],
  ])('takes %s', async (alg, kid, key) => {
    const header = `Bearer ${await signed(alg, key, kid)}`;
    await expect(withKeys().authenticate(header)).resolves.toMatchObject({ userId: 'user-1' });
  });

  it('fetches them once for many callers', async () => {
    const authenticator = withKeys();
    const header = `Bearer ${await signed('ES256', ec.privateKey, 'ec')}`;
    await Promise.all([authenticator.authenticate(header), authenticator.authenticate(header)]);
    await authenticator.authenticate(header);
    expect(fetches).toBe(1);
  });

  it('refuses another key under a known or an unknown name, and does not fetch for each of them', async () => {
    const authenticator = withKeys();
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    for (const kid of ['ec', 'stranger', 'stranger']) {
      const error = await refusal(authenticator.authenticate(`Bearer ${await signed('ES256', stranger, kid)}`));
      expect(error.message).toBe('The token is not signed with a key that this service trusts.');
    }
    expect(fetches).toBe(1);
  });

  it('refuses a public key used as the secret of HS256', async () => {
    for (const secret of [rsa.publicKey.export({ type: 'spki', format: 'pem' }), JSON.stringify(jwks[0])]) {
      const error = await refusal(withKeys().authenticate(`Bearer ${await hs256(CLAIMS, secret as string)}`));
      expect(error).toMatchObject({
        reason: 'invalid',
        message: 'The token must be signed with RS256 or ES256 or EdDSA.',
      });
    }
    expect(fetches).toBe(0);
  });

  it('refuses RS512 although the key would do', async () => {
    const error = await refusal(withKeys().authenticate(`Bearer ${await signed('RS512', rsa.privateKey, 'rsa')}`));
    expect(error.reason).toBe('invalid');
  });

  it('asks for the name of the key where several would do', async () => {
    published.body = JSON.stringify({ keys: [...jwks, { ...jwks[1], kid: 'ec-2' }] });
    const error = await refusal(withKeys().authenticate(`Bearer ${await signed('ES256', ec.privateKey)}`));
    expect(error.message).toContain('"kid"');
  });

  it.each([
    ['fails', { status: 500, body: '' }],
    ['is missing', { status: 404, body: '{}' }],
    ['answers no JSON', { status: 200, body: '<html>' }],
    ['answers no keys', { status: 200, body: '{"error":"down"}' }],
  ])('is unavailable, not refused, while the address %s, and recovers', async (_, answer) => {
    const authenticator = withKeys();
    const header = `Bearer ${await signed('ES256', ec.privateKey, 'ec')}`;
    const working = published;
    published = answer;
    await expect(authenticator.authenticate(header)).rejects.toThrow(ServiceUnavailableError);
    published = working;
    await expect(authenticator.authenticate(header)).resolves.toMatchObject({ userId: 'user-1' });
  });

  it('is unavailable while the published key is broken', async () => {
    published.body = '{"keys":[{"kty":"EC","crv":"P-256","kid":"ec","x":"AA","y":"AA"}]}';
    const header = `Bearer ${await signed('ES256', ec.privateKey, 'ec')}`;
    await expect(withKeys().authenticate(header)).rejects.toThrow(ServiceUnavailableError);
  });

  it('is unavailable while nobody listens at the address', async () => {
    const gone = createServer();
    await new Promise<void>((listening) => gone.listen(0, '127.0.0.1', listening));
    const { port } = gone.address() as AddressInfo;
    await new Promise((closed) => gone.close(closed));
    const header = `Bearer ${await signed('ES256', ec.privateKey, 'ec')}`;
    await expect(withKeys(`http://127.0.0.1:${port}/jwks.json`).authenticate(header)).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      message: 'The keys that prove who you are cannot be fetched right now. Try again in a few seconds.',
    });
  });
});
