import { generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dumpDatabase } from '../support/dump.ts';
import { expectNoInternals } from '../support/leaks.ts';
import { sendRequest } from '../support/raw-http.ts';
import { startTestService, type TestService } from '../support/service.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const CREATE_TOKEN = JSON.stringify({ query: 'mutation { createToken(input: { sessionId: "chat" }) { __typename } }' });

let service: TestService;
let good: string;
let before: Awaited<ReturnType<typeof dumpDatabase>>;

beforeAll(async () => {
  service = await startTestService();
  good = await service.token('ann');
  before = await dumpDatabase(service.database);
});

afterAll(async () => {
  expect(await dumpDatabase(service.database)).toEqual(before);
  await service[Symbol.asyncDispose]();
});

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
const later = Math.floor(Date.now() / 1000) + 3600;
const claims = { sub: 'ann', exp: later };
const forged = (header: object, payload: unknown = claims, signature = 'AAAA') =>
  `${encode(header)}.${encode(payload)}.${signature}`;

/** A token of RS256 whose public key would be the HS256 secret of a service that mixes the two up. */
function foreignKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const signed = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
}

test.each<[string, () => string | null | Promise<string>]>([
  ['no token', () => null],
  ['an empty header', () => ''],
  ['another scheme', () => 'Basic YW5uOnNlY3JldA=='],
  ['a token without its scheme', () => good],
  ['the scheme alone', () => 'Bearer'],
  ['two tokens', () => `Bearer ${good} ${good}`],
  ['two tokens in a list', () => `Bearer ${good}, Bearer ${good}`],
  ['a word for a token', () => 'Bearer garbage'],
  ['dots for a token', () => 'Bearer ..'],
  ['a token of five parts', () => 'Bearer a.b.c.d.e'],
  ['a long token', () => `Bearer ${'x'.repeat(12_000)}`],
  ['a token whose signature is cut', () => `Bearer ${good.slice(0, -1)}`],
  [
    'a token whose claims were changed',
    () => `Bearer ${good.replace(/\.[^.]+\./, `.${encode({ sub: 'bob', exp: later })}.`)}`,
  ],
  ['an unsigned token', () => `Bearer ${forged({ alg: 'none' }, claims, '')}`],
  ['an unsigned token in capitals', () => `Bearer ${forged({ alg: 'NONE' }, claims, '')}`],
  ['a token signed with another secret', () => `Bearer ${forged({ alg: 'HS256' })}`],
  ['a token signed with a foreign key', () => `Bearer ${foreignKey()}`],
  ['a token of an unknown algorithm', () => `Bearer ${forged({ alg: 'HS257' })}`],
  ['a token that brings its own key', () => `Bearer ${forged({ alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } })}`],
  [
    'a token with an extension that must be understood',
    () => `Bearer ${forged({ alg: 'HS256', crit: ['b64'], b64: false })}`,
  ],
  ['a token whose header is a list', () => `Bearer ${encode([])}.${encode(claims)}.AAAA`],
  ['a token whose claims are null', () => `Bearer ${forged({ alg: 'HS256' }, null)}`],
  ['an expired token', async () => `Bearer ${await service.token('ann', -60)}`],
  ['a token of a user whose name is too long', async () => `Bearer ${await service.token('x'.repeat(256))}`],
  ['a token of a user without a name', async () => `Bearer ${await service.token('')}`],
  ['a token of a user with a NUL in the name', async () => `Bearer ${await service.token('a\0b')}`],
])('%s is answered with 401', async (_what, authorization) => {
  const answer = await sendRequest(
    service,
    'POST',
    '/graphql',
    { ...JSON_TYPE, Authorization: await authorization() },
    CREATE_TOKEN,
  );
  expect(answer.status).toBe(401);
  expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  const { data, errors } = JSON.parse(answer.body);
  expect(data).toBeUndefined();
  expect(errors).toEqual([{ message: expect.stringMatching(/^[A-Z].+\.$/), extensions: { code: 'UNAUTHENTICATED' } }]);
  expectNoInternals(answer.body);
  expect(answer.body).not.toContain(good);
});

test.each([
  ['the schema', '{ __schema { types { name } } }'],
  ['what the schema is called', '{ __typename }'],
  ['a document with an error', '{ nothing '],
  ['a document with an unknown field', '{ nothing }'],
])('without a token nobody learns %s', async (_what, query) => {
  const answer = await sendRequest(service, 'POST', '/graphql', JSON_TYPE, JSON.stringify({ query }));
  expect(answer.status).toBe(401);
  expect(JSON.parse(answer.body).errors[0].extensions.code).toBe('UNAUTHENTICATED');
});

test('a token in the address is no token', async () => {
  const target = `/graphql?query=%7B__typename%7D&authorization=Bearer%20${good}&access_token=${good}`;
  expect((await sendRequest(service, 'GET', target)).status).toBe(401);
});

test('of two Authorization headers the first counts, as everywhere behind it', async () => {
  const headers = { ...JSON_TYPE, Authorization: `Bearer ${good}`, authorization: 'Bearer garbage' };
  const answer = await sendRequest(service, 'POST', '/graphql', headers, JSON.stringify({ query: '{ __typename }' }));
  expect(answer.status).toBe(200);
});
