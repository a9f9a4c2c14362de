import { describe, expect, it } from 'vitest';
import {
  createToken,
  endSession,
  type RecordData,
  startSession,
  TRACK_END,
  TRACK_HEARTBEAT,
  TRACK_START,
  USAGE_HISTORY,
} from '../support/operations.ts';
import { conversation, post, startTestService, type TestService } from '../support/service.ts';

/** Room for sixty tokens at once. */
const MANY_TOKENS = { MAX_SESSION_SECONDS: '60', MAX_CONCURRENT_SESSIONS: '100', MAX_TOKENS_PER_MINUTE: '1000' };

interface Page {
  readonly edges: readonly { readonly cursor: string; readonly node: RecordData & { readonly createdAt: string } }[];
  readonly nodes: readonly { readonly id: string }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly startCursor: string; readonly endCursor: string };
}

describe('usageHistory', () => {
  it('is walked page by page without a gap or a repetition while records are added', async () => {
    await using service = await startTestService(MANY_TOKENS);
    const token = await service.token('ann');
    const before = await Promise.all(Array.from({ length: 45 }, () => createToken(service, token)));
    await createToken(service, await service.token('bob'));

    const seen: string[] = [];
    const sizes: number[] = [];
    for (let after: string | null = null; ; ) {
      const page: Page = await history(service, token, { first: 10, after });
      const ids = page.edges.map(({ node }) => node.id);
      seen.push(...ids);
      expect(page.nodes.map(({ id }) => id)).toEqual(ids);
      sizes.push(ids.length);
      expect(page.pageInfo).toMatchObject({
        startCursor: page.edges[0]?.cursor,
        endCursor: page.edges.at(-1)?.cursor,
      });
      if (!page.pageInfo.hasNextPage) break;
      after = page.pageInfo.endCursor;
      await createToken(service, token);
    }

    expect(sizes).toEqual([10, 10, 10, 10, 5]);
    expect(seen.toSorted()).toEqual(before.map(({ record }) => record.id).toSorted());
    const { edges } = await history(service, token, { first: 100 });
    expect(edges).toHaveLength(49);
    const times = edges.map(({ node }) => node.createdAt);
    expect(times).toEqual(times.toSorted().reverse());
  });

  it('lists what meets every condition of its filter', async () => {
    await using service = await startTestService(MANY_TOKENS);
    const token = await service.token('ann');
    const plain = await startSession(service, token);
    await endSession(service, token, plain.avatarSessionId);
    const anna = (await createToken(service, token, { avatarName: 'anna' })).record;
    const running = await startSession(service, token);
    const createdAt = (await history(service, token, {})).edges[0]?.node.createdAt ?? '';
    const ids = async (filter: object) => {
      const { edges } = await history(service, token, { filter });
      return edges.map(({ node }) => node.id);
    };

    const period = createdAt.slice(0, 7);
    expect(await ids({})).toEqual([running.id, anna.id, plain.id]);
    expect(await ids({ statuses: ['COMPLETED'] })).toEqual([plain.id]);
    expect(await ids({ statuses: ['ACTIVE', 'RESERVED'] })).toEqual([running.id, anna.id]);
    expect(await ids({ statuses: [] })).toEqual([]);
    expect(await ids({ avatarName: 'anna' })).toEqual([anna.id]);
    expect(await ids({ avatarName: 'anna', statuses: ['ACTIVE'] })).toEqual([]);
    expect(await ids({ from: createdAt })).toEqual([running.id]);
    expect(await ids({ to: createdAt })).toEqual([anna.id, plain.id]);
    expect(await ids({ period })).toEqual([running.id, anna.id, plain.id]);
    expect(await ids({ period: '2001-01' })).toEqual([]);
  });
});

it('node and nodes find the objects of the caller and nothing else', async () => {
  await using service = await startTestService();
  const [ann, bob] = await Promise.all([service.token('ann'), service.token('bob')]);
  const { record } = await createToken(service, ann);
  const { body } = await post<{ quota: { id: string } }>(service, ann, '{ quota { id } }');
  const quotaId = body.data?.quota.id ?? '';
  const node = async (token: string, id: string) =>
    (await post(service, token, 'query ($id: ID!) { node(id: $id) { __typename id } }', { id })).body;

  expect(await node(ann, record.id)).toEqual({ data: { node: { __typename: 'UsageRecord', id: record.id } } });
  expect(await node(ann, quotaId)).toEqual({ data: { node: { __typename: 'Quota', id: quotaId } } });
  for (const id of ['', 'garbage', 'UR_', 'Q_AAAA', btoa('UsageRecord:1')])
    expect(await node(ann, id), id).toEqual({ data: { node: null } });
  for (const id of [record.id, quotaId]) expect(await node(bob, id)).toEqual({ data: { node: null } });

  const nodes = async (token: string) =>
    (
      await post(service, token, 'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }', {
        ids: [quotaId, 'x', record.id, quotaId],
      })
    ).body;
  const quota = { __typename: 'Quota', id: quotaId };
  expect(await nodes(ann)).toEqual({
    data: { nodes: [quota, null, { __typename: 'UsageRecord', id: record.id }, quota] },
  });
  expect(await nodes(bob)).toEqual({ data: { nodes: [null, null, null, null] } });
});

it('another user’s session is answered exactly like one that does not exist, and is left alone', async () => {
  await using service = await startTestService();
  const [ann, bob] = await Promise.all([service.token('ann'), service.token('bob')]);
  const running = await startSession(service, ann);
  const { record: unused } = await createToken(service, await service.token('carol'));
  const ids = [running.avatarSessionId, unused.avatarSessionId, conversation(), 'unknown'];
  const { sessionId } = running;

  for (const [query, input] of [
    [TRACK_START, { sessionId }],
    [TRACK_HEARTBEAT, { wordsSpoken: 9 }],
    [TRACK_END, { errorMessage: 'mine now' }],
  ] as const) {
    const answers: Awaited<ReturnType<typeof post>>[] = [];
    for (const avatarSessionId of ids) {
      answers.push(await post(service, bob, query, { input: { ...input, avatarSessionId } }));
    }
    expect(answers[0]?.body.errors).toBeUndefined();
    expect(JSON.stringify(answers[0])).toContain('"code":"SESSION_NOT_FOUND"');
    expect(answers).toEqual(ids.map(() => answers[0]));
  }
  expect((await history(service, ann, {})).edges).toMatchObject([
    { node: { id: running.id, status: 'ACTIVE', wordsSpoken: 0, errorMessage: null } },
  ]);
});

async function history(service: TestService, token: string, variables: object): Promise<Page> {
  const { body } = await post<{ usageHistory: Page }>(service, token, USAGE_HISTORY, { ...variables });
  if (!body.data) throw new Error(JSON.stringify(body.errors));
  return body.data.usageHistory;
}
