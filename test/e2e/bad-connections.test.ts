import { afterAll, beforeAll, expect, test } from 'vitest';
import { dumpDatabase } from '../support/dump.ts';
import { expectNoInternals } from '../support/leaks.ts';
import { sendBytes, sendRequest } from '../support/raw-http.ts';
import { expectRefusal } from '../support/refusal.ts';
import { startTestService, type TestService } from '../support/service.ts';

const CREATE_TOKEN = JSON.stringify({ query: 'mutation { createToken(input: { sessionId: "chat" }) { __typename } }' });

let service: TestService;
let authorization: string;
let before: Awaited<ReturnType<typeof dumpDatabase>>;

beforeAll(async () => {
  service = await startTestService();
  authorization = `Bearer ${await service.token('ann')}`;
  before = await dumpDatabase(service.database);
});

afterAll(async () => {
  expect(await dumpDatabase(service.database)).toEqual(before);
  await service[Symbol.asyncDispose]();
});

const postBody = (body: string, headers: Record<string, string | null> = {}) =>
  sendRequest(
    service,
    'POST',
    '/graphql',
    { Authorization: authorization, 'Content-Type': 'application/json', ...headers },
    body,
  );
const get = (search: string) => sendRequest(service, 'GET', `/graphql?${search}`, { Authorization: authorization });

test.each(['PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND', 'OPTIONS'])('%s is refused', async (method) => {
  const headers = { Authorization: authorization, 'Content-Type': 'application/json' };
  const answer = await sendRequest(service, method, '/graphql', headers, CREATE_TOKEN);
  expectRefusal(answer, 405, 'BAD_USER_INPUT');
  expect(answer.headers.get('allow')).toBe('GET, POST');
});

test('HEAD is refused without a body', async () => {
  expect(await sendRequest(service, 'HEAD', '/graphql')).toMatchObject({ status: 405, body: '' });
});

test.each([
  '/graphql/',
  '//',
  '//graphql',
  '/graphql%2F',
  '/%',
  '/%00',
  '/..',
  '/../graphql',
  '/graphql;x',
  '*',
  'http://elsewhere/graphql',
  '/healthz/',
  '/.env',
])('there is nothing at %s', async (target) => {
  const answer = await sendRequest(service, 'GET', target, { Authorization: authorization });
  expect(answer.status).toBe(404);
  expect(answer.body).toContain('Not found. The GraphQL endpoint is `/graphql`.');
});

test.each(['[', 'a b', '%', 'a:b:c', 'x/graphql?query=', 'user@host', '256.1.1.1', '::1'])(
  'the host %s is refused',
  async (host) => {
    const answer = await postBody(CREATE_TOKEN, { Host: host });
    expect(answer.status).toBe(400);
    expectNoInternals(answer.body);
    expect(answer.body).toContain('The Host header names no host.');
  },
);

test.each([
  ['no HTTP', '\0\u0001\u0002\r\n\r\n', 400],
  ['a TLS handshake', '\u0016\u0003\u0001\u0002\0', 400],
  ['a NUL in a header', 'GET /graphql HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n', 400],
  ['a header that is folded', 'GET /graphql HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n', 400],
  ['no host', 'GET /graphql HTTP/1.1\r\n\r\n', 400],
  ['headers of 20 KB', `GET /graphql HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ['a request for a tunnel', 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n', 0],
])('%s is cut off', async (_what, bytes, status) => {
  const answer = await sendBytes(service, bytes);
  expect(answer.status).toBe(status);
  expectNoInternals(answer.body);
});

test('an offer of HTTP/2 is passed over', async () => {
  const offer = { Connection: 'Upgrade, HTTP2-Settings, close', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABk' };
  expect(await postBody(JSON.stringify({ query: '{ __typename }' }), offer)).toMatchObject({ status: 200 });
});

test('what is answered is not stored, nor taken for something else', async () => {
  for (const answer of [
    await postBody(JSON.stringify({ query: '{ quota { id } }' })),
    await postBody(''),
    await get(''),
  ]) {
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  }
});
