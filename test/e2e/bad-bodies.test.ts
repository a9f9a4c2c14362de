import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dumpDatabase } from '../support/dump.ts';
import { sendRequest } from '../support/raw-http.ts';
import { expectRefusal } from '../support/refusal.ts';
import { startTestService, type TestService } from '../support/service.ts';

const CREATE_TOKEN = 'mutation { createToken(input: { sessionId: "chat" }) { __typename } }';
const CREATE_TOKEN_BODY = JSON.stringify({ query: CREATE_TOKEN });
const QUOTA = '{ quota { id } }';

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

describe('a body is refused', () => {
  test.each([
    ['that is empty', ''],
    ['that is no JSON', '{"query": quota}'],
    ['that breaks off', '{"query": "{ quota'],
    ['of bytes', '\0\u0001\u0002'],
    ['that is a number', '5'],
    ['that is a text', '"{ quota { id } }"'],
    ['that is null', 'null'],
    ['that is an empty list', '[]'],
    ['that is a batch', `[${CREATE_TOKEN_BODY},${CREATE_TOKEN_BODY}]`],
    ['of lists without end', '['.repeat(30_000)],
    ['without a query', '{}'],
    ['whose query is a number', '{"query": 5}'],
    ['whose query is null', '{"query": null}'],
    ['whose variables are a list', JSON.stringify({ query: CREATE_TOKEN, variables: [] })],
    ['whose variables are a text', JSON.stringify({ query: CREATE_TOKEN, variables: '{}' })],
    ['whose extensions are a number', JSON.stringify({ query: CREATE_TOKEN, extensions: 1 })],
    ['whose operation is another', JSON.stringify({ query: CREATE_TOKEN, operationName: 'x'.repeat(60_000) })],
    ['whose operation has a number for a name', JSON.stringify({ query: CREATE_TOKEN, operationName: 5 })],
    [
      'whose operation has an object for a name',
      JSON.stringify({ query: CREATE_TOKEN, operationName: { toString: 1 } }),
    ],
    ['with another member', JSON.stringify({ query: CREATE_TOKEN, context: { caller: 'bob' } })],
    ['with a prototype', CREATE_TOKEN_BODY.replace('{', '{"__proto__": {"caller": {"userId": "bob"}},')],
  ])('%s', async (_what, body) => {
    expectRefusal(await postBody(body), 400, 'BAD_USER_INPUT');
  });

  const long = JSON.stringify({ query: `${CREATE_TOKEN} #${'x'.repeat(64 * 1024)}` });
  const chunked = { 'Content-Length': null, 'Transfer-Encoding': 'chunked' };

  test('above 64 KiB', async () => {
    expectRefusal(await postBody(long), 413, 'LIMIT_EXCEEDED');
  });

  test('above 64 KiB in chunks', async () => {
    const chunks = [long.slice(0, 40_000), long.slice(40_000)].map(
      (chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`,
    );
    expectRefusal(await postBody(`${chunks.join('')}0\r\n\r\n`, chunked), 413, 'LIMIT_EXCEEDED');
  });

  test('whose length is said to be less than nothing, or twice', async () => {
    expect((await postBody(CREATE_TOKEN_BODY, { 'Content-Length': '-1' })).status).toBe(400);
    expect((await postBody(CREATE_TOKEN_BODY, { 'content-length': '5' })).status).toBe(400);
    expect((await postBody(CREATE_TOKEN_BODY, { 'Transfer-Encoding': 'chunked' })).status).toBe(400);
  });

  test.each(['text/plain', 'multipart/form-data; boundary=x', 'application/xml', 'application/jsonp', '', null])(
    'of the content type %s',
    async (contentType) => {
      expectRefusal(await postBody(CREATE_TOKEN_BODY, { 'Content-Type': contentType }), 415, 'BAD_USER_INPUT');
    },
  );
});

test.each(['text/html', 'application/xml', 'application/json;charset=iso-8859-1', ';;,,/', '\u00e4'])(
  'for %s nothing is carried out, as it could not be answered',
  async (accept) => {
    expectRefusal(await postBody(CREATE_TOKEN_BODY, { Accept: accept }), 406, 'BAD_USER_INPUT');
  },
);

test('a subscription is not answered with JSON', async () => {
  const body = JSON.stringify({ query: 'subscription { quotaUpdated { at } }' });
  expectRefusal(await postBody(body, { Accept: 'application/json' }), 406, 'BAD_USER_INPUT');
});

describe('by GET', () => {
  test.each([
    ['a mutation', `query=${encodeURIComponent(CREATE_TOKEN)}`, 405],
    [
      'a mutation beside a query',
      `operationName=B&query=${encodeURIComponent(`query A { __typename } ${CREATE_TOKEN.replace('mutation', 'mutation B')}`)}`,
      405,
    ],
    ['nothing', '', 400],
    ['variables that are no JSON', `query=${encodeURIComponent(QUOTA)}&variables=garbage`, 400],
    ['variables that are a list', `query=${encodeURIComponent(QUOTA)}&variables=[]`, 400],
    ['extensions that are no JSON', `query=${encodeURIComponent(QUOTA)}&extensions={`, 400],
  ])('%s is refused', async (_what, search, status) => {
    expectRefusal(await get(search), status, 'BAD_USER_INPUT');
  });

  test('broken percent signs are read as they stand', async () => {
    expectRefusal(await get('query=%E0%A4%A&%'), 200, 'GRAPHQL_PARSE_FAILED');
  });
});
