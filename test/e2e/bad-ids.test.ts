import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dumpDatabase } from '../support/dump.ts';
import {
  createToken,
  startSession,
  TRACK_END,
  TRACK_HEARTBEAT,
  TRACK_START,
  USAGE_HISTORY,
} from '../support/operations.ts';
import { post, startTestService, type TestService } from '../support/service.ts';

const NODE = 'query ($id: ID!) { node(id: $id) { __typename id } }';
const NOBODYS = '00000000-0000-4000-8000-000000000000';

let service: TestService;
let ann: string;
let bob: string;
let session: { id: string; sessionId: string; avatarSessionId: string };
let unused: { sessionId: string };
let before: Awaited<ReturnType<typeof dumpDatabase>>;

beforeAll(async () => {
  service = await startTestService({ MAX_CONCURRENT_SESSIONS: '3' });
  ann = await service.token('ann');
  bob = await service.token('bob');
  session = await startSession(service, ann);
  unused = (await createToken(service, bob)).record;
  before = await dumpDatabase(service.database);
});

afterAll(async () => {
  expect(await dumpDatabase(service.database)).toEqual(before);
  await service[Symbol.asyncDispose]();
});

describe("somebody else's session is answered like one that does not exist", () => {
  test.each([
    ['trackStart', TRACK_START, () => ({ sessionId: session.sessionId })],
    ['trackHeartbeat', TRACK_HEARTBEAT, () => ({ wordsSpoken: 5 })],
    ['trackEnd', TRACK_END, () => ({ errorMessage: 'gone' })],
  ])('by %s', async (_field, query, besides) => {
    const foreign = await post(service, bob, query, {
      input: { avatarSessionId: session.avatarSessionId, ...besides() },
    });
    const unknown = await post(service, bob, query, { input: { avatarSessionId: NOBODYS, ...besides() } });
    expect(foreign).toEqual(unknown);
    expect(Object.values(foreign.body.data ?? {})).toEqual([
      expect.objectContaining({ __typename: 'SessionNotFoundError', code: 'SESSION_NOT_FOUND' }),
    ]);
  });

  test('by trackStart with a conversation of one and a session of another', async () => {
    const input = { sessionId: unused.sessionId, avatarSessionId: session.avatarSessionId };
    const { body } = await post(service, bob, TRACK_START, { input });
    expect(body.data).toMatchObject({ trackStart: { code: 'SESSION_NOT_FOUND' } });
  });
});

describe('node finds nothing', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  test.each<[string, () => unknown]>([
    ["somebody else's record", () => session.id],
    ["somebody else's quota", () => base64('Quota:2026-11:ann')],
    ['an unknown record', () => base64(`UsageRecord:${NOBODYS}`)],
    ['a record whose id is none', () => base64("UsageRecord:1' OR true --")],
    ['a record with a NUL in its id', () => base64('UsageRecord:\0')],
    ['a record without an id', () => base64('UsageRecord:')],
    ['a quota without a period', () => base64('Quota:bob')],
    ['a quota of no month', () => base64('Quota:2026-13:bob')],
    ['a type that has no ids', () => base64('QuotaWarning:1')],
    ['an interface', () => base64('Node:1')],
    ['the query itself', () => base64('Query:1')],
    ['an unknown type', () => base64('Nothing:1')],
    ['a key of objects', () => base64('__proto__:1')],
    ['empty text', () => ''],
    ['a word', () => 'garbage'],
    ['a number', () => 12],
    ['half a surrogate pair', () => '\ud800'],
    ['a long text', () => 'x'.repeat(10_000)],
  ])('for %s', async (_what, id) => {
    const { status, body } = await post(service, bob, NODE, { id: id() });
    expect({ status, body }).toEqual({ status: 200, body: { data: { node: null } } });
  });
});

test("somebody else's cursor leads to the caller's own records only", async () => {
  const { body } = await post<{ usageHistory: { edges: { cursor: string }[] } }>(service, ann, USAGE_HISTORY);
  const [edge] = body.data?.usageHistory.edges ?? [];
  const page = await post<{ usageHistory: { edges: { node: { id: string } }[] } }>(service, bob, USAGE_HISTORY, {
    after: edge?.cursor,
  });
  expect(page.body.errors).toBeUndefined();
  expect(page.body.data?.usageHistory.edges.map(({ node }) => node.id)).not.toContain(session.id);
});

test('the last month of all has a quota of which nothing is used', async () => {
  const { body } = await post(service, bob, '{ quota(period: "9999-11") { period usedSeconds resetsAt } }');
  expect(body.data?.quota).toEqual({ period: '9999-11', usedSeconds: 0, resetsAt: '9999-12-01T00:00:00.000Z' });
});
