import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dumpDatabase } from '../support/dump.ts';
import { expectNoInternals } from '../support/leaks.ts';
import { openSocket } from '../support/raw-socket.ts';
import { startTestService, type TestService } from '../support/service.ts';

const TYPENAME = { query: '{ __typename }' };
const WATCH = { query: 'subscription { quotaUpdated { reason } }' };
const CREATE_TOKEN = { query: 'mutation { createToken(input: { sessionId: "chat" }) { __typename } }' };

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

describe('a socket is closed', () => {
  test.each<[string, number, ...(object | string | Uint8Array)[]]>([
    ['for what is no JSON', 4400, 'garbage'],
    ['for bytes', 4400, new Uint8Array([0, 159, 146, 150])],
    ['for a list', 4400, '[]'],
    ['for null', 4400, 'null'],
    ['for lists without end', 4400, '['.repeat(30_000)],
    ['for a message without a type', 4400, {}],
    ['for an unknown type', 4400, { type: 'start', id: '1', payload: TYPENAME }],
    ['for the answer of a server', 4400, { type: 'next', id: '1', payload: {} }],
    ['for the acknowledgement of a server', 4400, { type: 'connection_ack' }],
    ['for the last word of a server', 4400, { type: 'error', id: '1', payload: [{ message: 'x' }] }],
    ['for an operation without an id', 4400, { type: 'subscribe', payload: TYPENAME }],
    ['for an operation whose id is empty', 4400, { type: 'subscribe', id: '', payload: TYPENAME }],
    ['for an operation whose id is a number', 4400, { type: 'subscribe', id: 1, payload: TYPENAME }],
    ['for an operation without a document', 4400, { type: 'subscribe', id: '1', payload: {} }],
    ['for a document that is a number', 4400, { type: 'subscribe', id: '1', payload: { query: 1 } }],
    ['for variables that are a list', 4400, { type: 'subscribe', id: '1', payload: { ...TYPENAME, variables: [] } }],
    ['for extensions that are a text', 4400, { type: 'subscribe', id: '1', payload: { ...TYPENAME, extensions: '' } }],
    ['for a frame above 64 KiB', 1009, JSON.stringify({ type: 'ping', payload: { x: 'x'.repeat(64 * 1024) } })],
    ['for a second connection_init', 4429, { type: 'connection_init', payload: {} }],
    [
      'for an id that is taken',
      4409,
      { type: 'subscribe', id: '1', payload: WATCH },
      { type: 'subscribe', id: '1', payload: WATCH },
    ],
    [
      'for an id that is taken and long',
      4409,
      { type: 'subscribe', id: 'ä'.repeat(9_000), payload: WATCH },
      { type: 'subscribe', id: 'ä'.repeat(9_000), payload: WATCH },
    ],
  ])('%s, and no other', async (_what, code, ...messages) => {
    using bystander = await openSocket(service);
    await bystander.connect({ authorization });
    using socket = await openSocket(service);
    await socket.connect({ authorization });
    for (const message of messages) socket.send(message);
    const closed = await socket.closed;
    expect(closed.code).toBe(code);
    expectNoInternals(closed.reason);
    expect(await bystander.run('1', TYPENAME)).toEqual({ data: { __typename: 'Query' } });
  });

  test('for an operation before connection_init', async () => {
    using socket = await openSocket(service);
    socket.send({ type: 'subscribe', id: '1', payload: CREATE_TOKEN });
    expect(await socket.closed).toEqual({ code: 4401, reason: 'Unauthorized' });
  });

  test('and then does nothing more, whatever is still sent on it', async () => {
    using socket = await openSocket(service);
    await socket.connect({ authorization });
    socket.send('garbage');
    socket.send({ type: 'subscribe', id: '1', payload: CREATE_TOKEN });
    expect((await socket.closed).code).toBe(4400);
  });
});

test.each(['message', 'ping'] as const)('a client that sends %ss and reads no answer is cut off', async (kind) => {
  using socket = await openSocket(service);
  await socket.connect({ authorization });
  expect(await socket.floodUnread(kind)).toBeGreaterThan(1);
});

test('an operation with an error leaves the other operations alone', async () => {
  using socket = await openSocket(service);
  await socket.connect({ authorization });
  expect(await socket.run('watch', WATCH)).toMatchObject({ data: { quotaUpdated: { reason: 'SNAPSHOT' } } });
  for (const [id, query] of [
    '{',
    '{ nothing }',
    'subscription { quotaUpdated }',
    '{ quota(period: "x") { id } }',
  ].entries()) {
    expect(await socket.run(`bad ${id}`, { query })).toMatchObject({ errors: [{ message: expect.any(String) }] });
  }
  expect(await socket.run('good', TYPENAME)).toEqual({ data: { __typename: 'Query' } });
  expect(socket.inbox.messages.filter(({ id, type }) => id === 'watch' && type === 'complete')).toEqual([]);
});

test('the 21st operation at once is refused, and the socket stays', async () => {
  using socket = await openSocket(service);
  await socket.connect({ authorization });
  for (let id = 1; id <= 20; id++) await socket.run(String(id), WATCH);
  expect(await socket.run('21', WATCH)).toEqual([
    { message: expect.stringContaining('at most 20 operations'), extensions: { code: 'LIMIT_EXCEEDED' } },
  ]);
  socket.send({ type: 'complete', id: '1' });
  expect(await socket.run('22', WATCH)).toMatchObject({ data: { quotaUpdated: { reason: 'SNAPSHOT' } } });
});
