import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatNodeId, quotaKey } from '../../src/graphql/node-id.ts';
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

describe("another user's session is answered like one that does not exist", () => {
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
  const packed = (...bytes: number[]) => Buffer.from(bytes).toString('base64url');
  const digest = quotaKey('2026-11', 'bob').slice('2026-11:'.length);

  test.each<[string, () => unknown]>([
    ["another user's record", () => session.id],
    ["another user's quota", () => formatNodeId('Quota', quotaKey('2026-11', 'ann'))],
    ['an unknown record', () => formatNodeId('UsageRecord', NOBODYS)],
    ['a record of a UUID that is too short', () => `UR_${packed(1, 2, 3)}`],
    ['a record without a UUID', () => 'UR_'],
    ["a record's UUID", () => NOBODYS],
    ['a quota without a month', () => `Q_${Buffer.from(digest, 'hex').toString('base64url')}`],
    ['a quota of a month before the earliest', () => formatNodeId('Quota', `1999-12:${digest}`)],
    ['a quota of a month after the latest', () => formatNodeId('Quota', `9999-12:${digest}`)],
    ["a record's key with a quota's prefix", () => session.id.replace('UR_', 'Q_')],
    ['an id with padding', () => `${session.id}==`],
    ['an id in another spelling', () => `${formatNodeId('UsageRecord', NOBODYS).slice(0, -1)}B`],
    ['an unknown type', () => `X_${packed(1)}`],
    ['a key of objects', () => `__proto___${packed(1)}`],
    ['a type and a key in base64', () => btoa('Quota:2026-11:bob')],
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

test("another user's cursor leads to the caller's own records only", async () => {
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
