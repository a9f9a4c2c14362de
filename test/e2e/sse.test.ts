import { expect, it } from 'vitest';
import { createToken, endSession, QUOTA, startSession } from '../support/operations.ts';
import { startTestService } from '../support/service.ts';
import { openStream } from '../support/sse.ts';
import { firstVersion } from '../support/versions.ts';

it.concurrent('a stream of events begins with the snapshot and goes on with every change', async () => {
  await using service = await startTestService();
  const token = await service.token('ann');
  await using stream = await openStream(service, token);
  expect(stream.response.status).toBe(200);
  expect(stream.response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  await stream.events.take(1);

  const { id, avatarSessionId } = await startSession(service, token);
  await endSession(service, token, avatarSessionId);

  const messages = (await stream.events.take(4)).map(({ event, data }) => {
    const { reason, quota, record } = data?.data?.quotaUpdated ?? {};
    return [event, reason, quota && quota.version - firstVersion(), record?.id];
  });
  expect(messages).toEqual([
    ['next', 'SNAPSHOT', 0, undefined],
    ['next', 'TOKEN_CREATED', 1, id],
    ['next', 'SESSION_STARTED', 2, id],
    ['next', 'SESSION_ENDED', 3, id],
  ]);
});

it.concurrent('a stream that is hung up leaves the service free to stop', async () => {
  const service = await startTestService();
  const token = await service.token('ann');
  const stream = await openStream(service, token);
  await stream.events.take(1);
  await stream[Symbol.asyncDispose]();
  await createToken(service, token);
  const stopping = Date.now();
  await service[Symbol.asyncDispose]();
  expect(Date.now() - stopping).toBeLessThan(4_000);
});

it.concurrent('a service that stops ends its streams', async () => {
  await using service = await startTestService();
  await using stream = await openStream(service, await service.token('ann'));
  await stream.events.take(1);
  const stopping = Date.now();
  await service.stop();
  await stream.events.ended();
  expect(Date.now() - stopping).toBeLessThan(7_000);
});

it('a query may be sent by GET', async () => {
  await using service = await startTestService();
  const response = await get(service.url, await service.token('ann'), QUOTA);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ data: { quota: { version: firstVersion(), availableSeconds: 3600 } } });
});

it('a mutation by GET is refused and does nothing', async () => {
  await using service = await startTestService();
  const token = await service.token('ann');
  const response = await get(
    service.url,
    token,
    'mutation { createToken(input: { sessionId: "chat" }) { __typename } }',
  );
  expect(response.status).toBe(405);
  expect(response.headers.get('allow')).toBe('POST');
  expect(await response.json()).toEqual({
    errors: [
      { message: 'Can only perform a mutation operation from a POST request.', extensions: { code: 'BAD_USER_INPUT' } },
    ],
  });
  expect(service.simulator.requests()).toEqual([]);
});

function get(url: string, token: string, query: string): Promise<Response> {
  return fetch(`${url}/graphql?${new URLSearchParams({ query })}`, { headers: { authorization: `Bearer ${token}` } });
}
