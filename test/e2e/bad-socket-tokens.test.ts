import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dumpDatabase } from '../support/dump.ts';
import { openSocket } from '../support/raw-socket.ts';
import { startTestService, type TestService } from '../support/service.ts';

const CREATE_TOKEN = { query: 'mutation { createToken(input: { sessionId: "chat" }) { __typename } }' };

let service: TestService;
let before: Awaited<ReturnType<typeof dumpDatabase>>;

beforeAll(async () => {
  service = await startTestService();
  before = await dumpDatabase(service.database);
});

afterAll(async () => {
  expect(await dumpDatabase(service.database)).toEqual(before);
  await service[Symbol.asyncDispose]();
});

describe('a socket is closed', () => {
  test.each<[string, unknown]>([
    ['an empty text', { authorization: '' }],
    ['a number', { authorization: 1 }],
    ['false', { authorization: false }],
    ['a list', { authorization: ['Bearer x'] }],
    ['an object', { Authorization: { token: 'x' } }],
    ['another scheme', { authorization: 'Basic eA==' }],
    ['garbage', { authorization: 'Bearer garbage' }],
  ])('for a token that is %s', async (_what, payload) => {
    using socket = await openSocket(service);
    socket.send({ type: 'connection_init', payload });
    const { code, reason } = await socket.closed;
    expect(code).toBe(4401);
    expect(reason).toMatch(/^(A|The) \w+ .+/);
  });

  test.each([
    [4401, 'no token at all', undefined],
    [4401, 'a bad token of the operation', { headers: { authorization: 'Bearer garbage' } }],
    [4401, 'headers that are a text', { headers: 'authorization' }],
    [4401, 'headers that are null', { headers: null }],
    [4401, 'headers with a number', { headers: { Authorization: 5 } }],
  ])('with %i for %s', async (code, _what, extensions) => {
    using socket = await openSocket(service);
    await socket.connect();
    socket.send({ type: 'subscribe', id: '1', payload: { ...CREATE_TOKEN, extensions } });
    expect((await socket.closed).code).toBe(code);
  });

  test('with 4403 for an expired token', async () => {
    using socket = await openSocket(service);
    socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${await service.token('ann', -60)}` } });
    expect((await socket.closed).code).toBe(4403);
  });

  test('if it does not say within five seconds who it is', async () => {
    using silent = await openSocket(service);
    using anonymous = await openSocket(service);
    await anonymous.connect();
    expect([await silent.closed, await anonymous.closed].map(({ code }) => code)).toEqual([4408, 4401]);
  });
});
