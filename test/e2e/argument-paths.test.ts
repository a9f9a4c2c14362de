import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post, startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let token: string;

beforeAll(async () => {
  service = await startTestService();
  token = await service.token('ann');
});

afterAll(() => service[Symbol.asyncDispose]());

const mutation = (parameters: string, input: string, type = 'CreateToken') =>
  `mutation ${parameters} { ${type[0]?.toLowerCase()}${type.slice(1)}(input: ${input}) { __typename } }`;
const history = (parameters: string, args: string) => `query ${parameters} { usageHistory(${args}) { __typename } }`;

type Request = [document: string, variables?: Record<string, unknown>];

/** What is wrong, the path that names it, and requests with it: in the document, in a variable, and within a variable. */
const BAD_VALUES: [what: string, argumentPath: (string | number)[], requests: Request[]][] = [
  [
    'a value of a custom scalar',
    ['filter', 'from'],
    [
      [history('', 'filter: { from: "yesterday" }')],
      [history('($from: DateTime)', 'filter: { from: $from }'), { from: 'yesterday' }],
      [history('($filter: UsageHistoryFilter)', 'filter: $filter'), { filter: { from: 'yesterday' } }],
      [history('($from: DateTime = "yesterday")', 'filter: { from: $from }')],
      [history('($filter: UsageHistoryFilter = { from: "yesterday" })', 'filter: $filter')],
    ],
  ],
  [
    'a value of a built-in scalar',
    ['input', 'wordsSpoken'],
    [
      [mutation('', '{ avatarSessionId: "x", wordsSpoken: "many" }', 'TrackEnd')],
      [mutation('($words: Int)', '{ avatarSessionId: "x", wordsSpoken: $words }', 'TrackEnd'), { words: 'many' }],
      [mutation('($in: TrackEndInput!)', '$in', 'TrackEnd'), { in: { avatarSessionId: 'x', wordsSpoken: 'many' } }],
    ],
  ],
  [
    'a value that the domain rejects',
    ['input', 'sessionId'],
    [
      [mutation('', '{ sessionId: "" }')],
      [mutation('($sessionId: ID!)', '{ sessionId: $sessionId }'), { sessionId: '' }],
      [mutation('($input: CreateTokenInput!)', '$input'), { input: { sessionId: '' } }],
    ],
  ],
  [
    'a value of another type than the input field',
    ['input', 'sessionId'],
    [
      [mutation('', '{ sessionId: { id: "x" } }')],
      [mutation('($id: ID!)', '{ sessionId: $id }'), { id: { id: 'x' } }],
      [mutation('($input: CreateTokenInput!)', '$input'), { input: { sessionId: { id: 'x' } } }],
    ],
  ],
  [
    'a value of an enum in a list',
    ['filter', 'statuses', 1],
    [
      [history('', 'filter: { statuses: [ACTIVE, LOST] }')],
      [history('($in: [UsageStatus!])', 'filter: { statuses: $in }'), { in: ['ACTIVE', 'LOST'] }],
      [history('($by: UsageHistoryFilter)', 'filter: $by'), { by: { statuses: ['ACTIVE', 'LOST'] } }],
    ],
  ],
  [
    'a required input field that is missing',
    ['input', 'sessionId'],
    [
      [mutation('', '{ avatarName: "default" }')],
      [mutation('($id: ID!)', '{ sessionId: $id }'), {}],
      [mutation('($input: CreateTokenInput!)', '$input'), { input: { avatarName: 'default' } }],
    ],
  ],
  [
    'a required input field that is null',
    ['input', 'sessionId'],
    [
      [mutation('', '{ sessionId: null }')],
      [mutation('($id: ID!)', '{ sessionId: $id }'), { id: null }],
      [mutation('($input: CreateTokenInput!)', '$input'), { input: { sessionId: null } }],
    ],
  ],
  [
    'an unknown input field',
    ['input', 'user'],
    [
      [mutation('', '{ sessionId: "x", user: "bob" }')],
      [mutation('($input: CreateTokenInput!)', '$input'), { input: { sessionId: 'x', user: 'bob' } }],
    ],
  ],
  [
    'a required argument that is missing or null',
    ['id'],
    [
      ['{ node { id } }'],
      ['{ node(id: null) { id } }'],
      ['query ($id: ID!) { node(id: $id) { id } }', {}],
      ['query ($id: ID!) { node(id: $id) { id } }', { id: null }],
      ['query ($nodeId: ID = "x") { node(id: $nodeId) { id } }', { nodeId: null }],
    ],
  ],
  [
    'a cursor',
    ['after'],
    [[history('', 'after: "x"')], [history('($cursor: String)', 'after: $cursor'), { cursor: 'x' }]],
  ],
];

describe.each(BAD_VALUES)('%s', (_what, argumentPath, requests) => {
  test.each(requests)('is named by its path in %s %o', async (document, variables) => {
    const { body } = await post(service, token, document, variables);
    expect(body.errors?.map(({ extensions }) => extensions.argumentPath)).toEqual([argumentPath]);
  });
});

test('a variable that a fragment uses is named by its argument there', async () => {
  const document =
    'query ($month: BillingPeriod) { ...Usage } fragment Usage on Query { quota(period: $month) { id } }';
  const { body } = await post(service, token, document, { month: 'x' });
  expect(body.errors?.map(({ extensions }) => extensions.argumentPath)).toEqual([['period']]);
});

test('a value that looks like a path misleads nobody', async () => {
  const sessionId = { 'at "input.avatarName"': 'at "input.avatarName"; Expected' };
  const document = mutation('($input: CreateTokenInput!)', '$input');
  const { body } = await post(service, token, document, { input: { sessionId } });
  expect(body.errors?.map(({ extensions }) => extensions.argumentPath)).toEqual([['input', 'sessionId']]);
});

test.each(['query ($unused: BillingPeriod) { quota { id } }', '{ nothing }', '{ quota }', '{ quota {'])(
  'an error about no argument has no path: %s',
  async (document) => {
    const { body } = await post(service, token, document);
    expect(body.errors?.map(({ extensions }) => Object.keys(extensions))).toEqual([['code']]);
  },
);

test('a bad cursor and a bad month say what to pass instead', async () => {
  const messages = async (document: string) =>
    (await post(service, token, document)).body.errors?.map(({ message }) => message);
  expect(await messages('{ usageHistory(after: "x") { nodes { id } } }')).toEqual([
    'Invalid `after` cursor. Pass the `endCursor` of a previous page.',
  ]);
  expect(await messages('{ quota(period: "1999-01") { id } }')).toEqual([
    'Invalid billing period. Pass a month from 2000-01 to 9999-11 as YYYY-MM, such as 2026-11.',
  ]);
});
