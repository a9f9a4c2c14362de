import { describe, expect, it } from 'vitest';
import { type CountedGraph, startCountedGraph } from '../support/counted-graph.ts';

const EVERY_RECORD_FIELD = `
  id userId sessionId avatarSessionId avatarName vendor status endReason startedAt endedAt durationSeconds wordsSpoken
  messagesCount estimatedCost pricePerMinute actualSeconds actualCost vendorEndReason billingPeriod maxDurationSeconds
  expiresAt stopPending errorMessage createdAt updatedAt`;

const EVERY_QUOTA_FIELD = `
  id userId period limitMinutes limitCost currency pricePerMinute warningThresholds usedSeconds usedMinutes usedCost
  heldSeconds heldCost remainingSeconds remainingMinutes remainingCost availableSeconds percentUsed
  warning { level limit thresholdPercent percentUsed crossedAt message } nextWarningAt sessionCount
  openSessions { ${EVERY_RECORD_FIELD} } isActive resetsAt version serverTime`;

const PAYLOAD = `record { ${EVERY_RECORD_FIELD} } quota { ${EVERY_QUOTA_FIELD} }`;

const CREATE_TOKEN = `mutation ($input: CreateTokenInput!) {
  createToken(input: $input) {
    ... on CreateTokenSuccess { token expiresAt maxDurationSeconds heartbeatSeconds ${PAYLOAD} }
  }
}`;

const TRACK_START = `mutation ($input: TrackStartInput!) {
  trackStart(input: $input) { ... on TrackStartSuccess { ${PAYLOAD} } }
}`;

const TRACK_HEARTBEAT = `mutation ($input: TrackHeartbeatInput!) {
  trackHeartbeat(input: $input) { ... on TrackHeartbeatSuccess { ${PAYLOAD} } }
}`;

const TRACK_END = `mutation ($input: TrackEndInput!) {
  trackEnd(input: $input) { ... on TrackEndSuccess { ${PAYLOAD} } }
}`;

const QUOTA_UPDATED = `subscription {
  quotaUpdated { reason at warning { level } ${PAYLOAD} }
}`;

const RECORD = `query ($id: ID!) { node(id: $id) { ... on UsageRecord { ${EVERY_RECORD_FIELD} } } }`;

interface Payload {
  readonly record: { readonly id: string; readonly avatarSessionId: string; readonly [field: string]: unknown };
  readonly quota: { readonly heldSeconds: number; readonly openSessions: readonly unknown[] };
}

interface Message {
  readonly quotaUpdated: Payload & { readonly reason: string };
}

describe('reads', () => {
  it('read a page of the usage history with one statement, whatever is selected', async () => {
    await using graph = await startCountedGraph();
    await endedSession(graph, 'first');
    await openSession(graph, 'second');

    for (const selection of [
      'pageInfo { hasNextPage }',
      'nodes { id }',
      'nodes { durationSeconds } pageInfo { endCursor }',
      `edges { cursor node { ${EVERY_RECORD_FIELD} } } nodes { vendor stopPending actualCost } pageInfo { startCursor }`,
    ]) {
      const { statements } = await graph.run(`{ usageHistory { ${selection} } }`);
      expect(statements, selection).toEqual(['avatar_usage_records']);
    }
  });

  it('read a record by its ID with one statement', async () => {
    await using graph = await startCountedGraph();
    const { id } = await endedSession(graph, 'chat');
    expect(await graph.run(RECORD, { id })).toMatchObject({
      data: { node: { id, stopPending: true } },
      statements: ['avatar_usage_records'],
    });
  });

  it('read the quota, its open sessions and the price with one statement', async () => {
    await using graph = await startCountedGraph();
    await openSession(graph, 'chat');
    const few = await graph.run('{ quota { usedSeconds } }');
    expect(few.statements).toEqual(['load']);
    const all = await graph.run(`{ quota { ${EVERY_QUOTA_FIELD} } }`);
    expect(all.statements).toEqual(['load']);
    const permission = await graph.run(`{ canCreateSession { allowed message quota { ${EVERY_QUOTA_FIELD} } } }`);
    expect(permission.statements).toEqual(['load']);
  });

  it('read the usage summary with one statement, running sessions included', async () => {
    await using graph = await startCountedGraph();
    await endedSession(graph, 'first');
    await openSession(graph, 'second');
    graph.clock.advance(60);
    const { data, statements } = await graph.run(
      '{ usageSummary { totalSeconds totalCost byAvatar { totalCost } byDay { totalSeconds } } }',
    );
    expect(data).toMatchObject({ usageSummary: { totalSeconds: 90 } });
    expect(statements).toEqual(['usage']);
  });
});

describe('mutations', () => {
  it('answer from what they saved', async () => {
    await using graph = await startCountedGraph();
    // A new user is loaded once, and the prices once per node.
    const first = await createToken(graph, 'first');
    expect(first.statements).toEqual(['load', 'prices', 'save', 'save']);

    const created = await createToken(graph, 'chat');
    expect(created.statements).toEqual(['save', 'save']);
    const input = { sessionId: 'chat', avatarSessionId: created.payload.record.avatarSessionId };
    const started = await payloadOf(graph, TRACK_START, input);
    expect(started.statements).toEqual(['save']);
    const alive = await payloadOf(graph, TRACK_HEARTBEAT, { avatarSessionId: input.avatarSessionId });
    expect(alive.statements).toEqual(['save']);
    const ended = await payloadOf(graph, TRACK_END, { avatarSessionId: input.avatarSessionId });
    expect(ended.statements).toEqual(['save']);
  });

  it('answer with the record and the quota that a read finds', async () => {
    await using graph = await startCountedGraph();
    const read = async (id: string): Promise<unknown> => {
      const { data } = await graph.run<{ node: object; quota: object }>(
        `query ($id: ID!) {
          node(id: $id) { ... on UsageRecord { ${EVERY_RECORD_FIELD} } }
          quota { ${EVERY_QUOTA_FIELD} }
        }`,
        { id },
      );
      return { record: data.node, quota: data.quota };
    };
    const { payload: created } = await createToken(graph, 'chat');
    const { id, avatarSessionId } = created.record;
    expect(created).toMatchObject((await read(id)) as object);
    graph.clock.advance(5);
    const { payload: started } = await payloadOf(graph, TRACK_START, { sessionId: 'chat', avatarSessionId });
    expect(started).toEqual(await read(id));
    graph.clock.advance(31);
    const { payload: alive } = await payloadOf(graph, TRACK_HEARTBEAT, { avatarSessionId, wordsSpoken: 12 });
    expect(alive).toEqual(await read(id));
    const { payload: ended } = await payloadOf(graph, TRACK_END, { avatarSessionId, messagesCount: 3 });
    expect(ended).toEqual(await read(id));
    expect(ended.record).toMatchObject({ durationSeconds: 31, wordsSpoken: 12, messagesCount: 3, stopPending: true });
  });

  it('read only the stop of a session that had ended before', async () => {
    await using graph = await startCountedGraph();
    const { avatarSessionId } = await endedSession(graph, 'chat');
    const again = await payloadOf(graph, TRACK_END, { avatarSessionId });
    expect(again.statements).toEqual(['load', 'vendor_stops']);
    expect(again.payload.record).toMatchObject({ stopPending: true });
  });
});

it('a whole session takes a transaction for each act, and two for the stop: one claims it, one notes the answer', async () => {
  await using graph = await startCountedGraph();
  await endedSession(graph, 'of a user who is known then');
  await graph.deliverStops();

  const created = await createToken(graph, 'chat');
  const { avatarSessionId } = created.payload.record;
  const started = await payloadOf(graph, TRACK_START, { sessionId: 'chat', avatarSessionId });
  const ended = await payloadOf(graph, TRACK_END, { avatarSessionId });
  const stopped = await graph.deliverStops();

  const acts = [created, started, ended].flatMap(({ statements }) => statements);
  expect([...acts, ...stopped]).toEqual(['save', 'save', 'save', 'save', 'claim_stops', 'save']);
});

describe('a pushed message', () => {
  it('shows what this node has saved, without a statement of its own', async () => {
    await using graph = await startCountedGraph();
    await openSession(graph, 'first');
    await using stream = await graph.watch<Message>(QUOTA_UPDATED);
    expect((await stream.next()).statements).toEqual(['load']);

    const { statements, payload } = await createToken(graph, 'chat');
    const pushed = await stream.next();
    expect([...statements, ...pushed.statements]).toEqual(['save', 'save']);
    expect(pushed.data.quotaUpdated).toMatchObject({ reason: 'TOKEN_CREATED', record: { id: payload.record.id } });
    expect(pushed.data.quotaUpdated.quota.openSessions).toHaveLength(2);
  });

  it('shows a session that has just ended as it was saved, without a statement of its own', async () => {
    await using graph = await startCountedGraph();
    const { avatarSessionId } = await openSession(graph, 'chat');
    await using stream = await graph.watch<Message>(
      'subscription { quotaUpdated { reason quota { heldSeconds } record { status } } }',
    );
    await stream.next();

    const { statements } = await payloadOf(graph, TRACK_END, { avatarSessionId });
    const pushed = await stream.next();
    expect([...statements, ...pushed.statements]).toEqual(['save']);
    expect(pushed.data).toMatchObject({ quotaUpdated: { reason: 'SESSION_ENDED', record: { status: 'COMPLETED' } } });
  });
});

async function payloadOf(graph: CountedGraph, mutation: string, input: object) {
  const { data, statements } = await graph.run<Record<string, Payload>>(mutation, { input });
  const [payload] = Object.values(data);
  if (!payload?.record) throw new Error(JSON.stringify(data));
  return { payload, statements };
}

function createToken(graph: CountedGraph, sessionId: string) {
  return payloadOf(graph, CREATE_TOKEN, { sessionId });
}

async function openSession(graph: CountedGraph, sessionId: string) {
  const { payload } = await createToken(graph, sessionId);
  const { avatarSessionId } = payload.record;
  const started = await payloadOf(graph, TRACK_START, { sessionId, avatarSessionId });
  return started.payload.record;
}

async function endedSession(graph: CountedGraph, sessionId: string) {
  const { avatarSessionId } = await openSession(graph, sessionId);
  graph.clock.advance(30);
  const { payload } = await payloadOf(graph, TRACK_END, { avatarSessionId });
  return payload.record;
}
