import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { socketClient } from '../support/clients.ts';
import { expectNoInternals } from '../support/leaks.ts';
import { post, startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let token: string;

beforeAll(async () => {
  service = await startTestService();
  token = await service.token('ann');
});

afterAll(() => service[Symbol.asyncDispose]());

const times = (count: number, write: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => write(index)).join(' ');
const nested = (levels: number) => `${'{ ... on Node '.repeat(levels)}{ id }${' }'.repeat(levels)}`;
const deep = (levels: number) => `{ node(id: "x") ${nested(levels)} }`;
const aliases = (count: number) => `{ ${times(count, (index) => `a${index}: quota { id }`)} }`;

const DOCUMENTS: [what: string, code: string, document: string][] = [
  ['an empty document', 'GRAPHQL_PARSE_FAILED', ''],
  ['a comment', 'GRAPHQL_PARSE_FAILED', '# quota'],
  ['a document that breaks off', 'GRAPHQL_PARSE_FAILED', '{ quota { id '],
  ['a control character', 'GRAPHQL_PARSE_FAILED', '{ quota\u0007 { id } }'],
  ['a text that breaks off', 'GRAPHQL_PARSE_FAILED', '{ node(id: "x) { id } }'],
  ['half a surrogate pair in a text', 'GRAPHQL_PARSE_FAILED', '{ node(id: "\\ud800") { id } }'],
  ['an unknown field', 'GRAPHQL_VALIDATION_FAILED', '{ quotas { id } }'],
  ['an unknown argument', 'GRAPHQL_VALIDATION_FAILED', '{ quota(user: "bob") { id } }'],
  ['an unknown directive', 'GRAPHQL_VALIDATION_FAILED', '{ quota @admin { id } }'],
  ['an unknown operation', 'GRAPHQL_VALIDATION_FAILED', 'mutation { setLimit(minutes: 1000) { id } }'],
  ['no selection', 'GRAPHQL_VALIDATION_FAILED', '{ quota }'],
  ['a missing argument', 'GRAPHQL_VALIDATION_FAILED', '{ node { id } }'],
  ['a number above 32 bits', 'GRAPHQL_VALIDATION_FAILED', '{ usageHistory(first: 2147483648) { __typename } }'],
  ['a fragment within itself', 'GRAPHQL_VALIDATION_FAILED', '{ ...A } fragment A on Query { ...A }'],
  [
    'fragments within each other',
    'GRAPHQL_VALIDATION_FAILED',
    '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
  ],
  ['fields that do not fit', 'GRAPHQL_VALIDATION_FAILED', '{ quota { id } quota: usageSummary { id: period } }'],
  ['two subscriptions', 'GRAPHQL_VALIDATION_FAILED', 'subscription { a: quotaUpdated { at } b: quotaUpdated { at } }'],
  [
    'introspection without end',
    'GRAPHQL_VALIDATION_FAILED',
    `{ __schema { types ${'{ fields { type '.repeat(4)}{ name }${' } }'.repeat(4)} } }`,
  ],
  ['a definition of types', 'BAD_USER_INPUT', 'type Query { quota: Int }'],
  ['two operations without a choice', 'BAD_USER_INPUT', 'query A { __typename } query B { __typename }'],
  ['11 levels', 'LIMIT_EXCEEDED', deep(9)],
  [
    '11 levels by fragments',
    'LIMIT_EXCEEDED',
    `{ ...F0 } ${times(10, (index) => `fragment F${index} on Query { ...F${index + 1} }`)} fragment F10 on Query { __typename }`,
  ],
  ['16 aliases', 'LIMIT_EXCEEDED', aliases(16)],
  [
    '16 aliases of one mutation',
    'LIMIT_EXCEEDED',
    `mutation { ${times(16, (index) => `a${index}: createToken(input: { sessionId: "${index}" }) { __typename }`)} }`,
  ],
  [
    'aliases by fragments',
    'LIMIT_EXCEEDED',
    `{ ${times(4, (index) => `...F${index}`)} } ${times(4, (index) => `fragment F${index} on Query { ${times(4, (alias) => `a${index}${alias}: quota { id }`)} }`)}`,
  ],
  ['2,001 tokens', 'LIMIT_EXCEEDED', `{ ${'__typename '.repeat(1999)} }`],
  ['lists without end', 'LIMIT_EXCEEDED', `{ quota(period: ${'['.repeat(30_000)}) { id } }`],
  ['one field hundreds of times', 'LIMIT_EXCEEDED', `{ ${'quota { id } '.repeat(490)} }`],
];

describe.each(DOCUMENTS)('%s', (_what, code, query) => {
  test(`is answered with ${code} over HTTP`, async () => {
    const { body } = await post(service, token, query);
    expectCode(body, code);
  });

  test(`is answered with ${code} on a socket, which stays open`, async () => {
    const closed: unknown[] = [];
    await using client = socketClient(service, token, { on: { closed: (event) => closed.push(event) }, lazy: false });
    const failure = await client.run(query).catch((error: AggregateError) => error);
    expectCode({ errors: (failure as AggregateError).errors }, code);
    expect(await client.run('{ __typename }')).toEqual({ __typename: 'Query' });
    expect(closed).toEqual([]);
  });
});

test.each([
  ['10 levels', deep(8)],
  ['15 aliases', aliases(15)],
  ['what GraphiQL asks for', getIntrospectionQuery()],
])('%s are allowed', async (_what, query) => {
  expect((await post(service, token, query)).body.errors).toBeUndefined();
});

test('a long request is not answered with a longer one', async () => {
  const input = {
    avatarSessionId: 'x',
    ...Object.fromEntries(Array.from({ length: 60 }, (_, key) => [`k${key}`, 'x'.repeat(900)])),
  };
  const query = 'mutation ($input: TrackEndInput!) { trackEnd(input: $input) { __typename } }';
  expect(JSON.stringify(await post(service, token, query, { input })).length).toBeLessThan(60_000);
  const name = 'x'.repeat(20_000);
  const unknown = `query ${name} { ${times(100, (index) => `quota(period: $v${index}) { id }`)} }`;
  expect(JSON.stringify(await post(service, token, unknown)).length).toBeLessThan(100_000);
});

function expectCode(
  body: { data?: unknown; errors?: readonly { message: string; extensions: object }[] },
  code: string,
) {
  expect(body.data).toBeUndefined();
  expect(body.errors?.map(({ extensions }) => extensions)).toMatchObject(body.errors?.map(() => ({ code })) ?? []);
  expect(body.errors?.[0]?.message).toMatch(/\w+ \w+/);
  expectNoInternals(JSON.stringify(body));
}
