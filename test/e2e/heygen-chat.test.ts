import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { DELIVERIES, type Delivery, DIRECT, PROXY } from '../support/delivery.ts';
import { callHeyGenSdk, HEYGEN } from '../support/heygen-calls.ts';
import { startHeyGenFront } from '../support/heygen-front.ts';
import { createToken, endSession } from '../support/operations.ts';
import { cutOff } from '../support/outage.ts';
import { startTestService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

// The socket that HeyGen's SDK opens beside its calls, at the root of the host.

describe.each(DELIVERIES)('with $TOKEN_DELIVERY delivery, the chat socket', (delivery) => {
  it('carries what both sides say, text as text and bytes as bytes, until the vendor closes it', async () => {
    await using test = await openSession(delivery);
    const page = test.chat();
    const [greeting, isBinary] = await once(page, 'message');
    expect([String(greeting), isBinary]).toEqual(['{"event_type":"avatar_start_talking"}', false]);

    const { query, socket } = test.front.chat();
    expect(query).toEqual({
      session_id: test.session_id,
      session_token: delivery === PROXY ? expect.not.stringMatching(test.token) : test.token,
      silence_response: 'false',
    });
    page.send(Buffer.from([1, 2, 3]));
    expect(await once(socket, 'message')).toEqual([Buffer.from([1, 2, 3]), true]);

    socket.close(1000, 'closed');
    const [code, reason] = await once(page, 'close');
    expect([code, String(reason)]).toEqual([1000, 'closed']);
  });

  it('ends at the vendor when the page goes', async () => {
    await using test = await openSession(delivery);
    const page = test.chat();
    await once(page, 'message');
    const closed = once(test.front.chat().socket, 'close');
    page.terminate();
    expect((await closed)[0]).toBe(1001);
  });

  it('is for the token’s own session only, and only while it runs', async () => {
    await using test = await openSession(delivery);
    const { service, token, session_id } = test;
    const { token: other } = await createToken(service, await service.token('bob'));
    const statusOf = async (query: Record<string, string>, options = {}) => {
      const [, response] = await once(test.chat(query, options), 'unexpected-response');
      return response.statusCode;
    };
    expect(await statusOf({ session_id })).toBe(401);
    expect(await statusOf({ session_id, session_token: 'unknown' })).toBe(401);
    expect(await statusOf({ session_id, session_token: other })).toBe(403);
    expect(await statusOf({ session_token: token })).toBe(403);
    expect(await statusOf({ session_id, session_token: token }, { origin: 'https://evil.example' })).toBe(403);
    await callHeyGenSdk(service, 'stop', token, { session_id });
    expect(await statusOf({ session_id, session_token: token })).toBe(410);
    expect(test.front.chats).toEqual([]);
  });

  it('is refused while the vendor does not answer, and the service goes on', async () => {
    await using test = await openSession(delivery);
    await test.front[Symbol.asyncDispose]();
    const [, response] = await once(test.chat(), 'unexpected-response');
    expect(response.statusCode).toBe(502);
    expect((await fetch(`${test.service.url}/healthz`)).status).toBe(200);
  });

  it('is closed for a restart of the service', async () => {
    await using test = await openSession(delivery);
    const page = test.chat();
    await once(page, 'message');
    const closed = once(page, 'close');
    await test.service.stop();
    expect((await closed)[0]).toBe(1012);
  });
});

it('with proxy delivery is refused while the vendor mints no token for it', async () => {
  await using test = await openSession(PROXY);
  test.service.simulator.failNext({ path: '/v1/streaming.create_token', status: 500 });
  const [, response] = await once(test.chat(), 'unexpected-response');
  expect(response.statusCode).toBe(502);
  expect(test.front.chats).toEqual([]);
});

it('asks the page to reconnect when the connection to the vendor breaks', async () => {
  await using test = await openSession();
  const page = test.chat();
  await once(page, 'message');
  test.front.chat().socket.terminate();
  const [code, reason] = await once(page, 'close');
  expect([code, String(reason)]).toEqual([
    1014,
    'The connection to the avatar service was lost. Open the socket again.',
  ]);
});

describe('the end of the session', () => {
  it('closes it, although another node ended the session and the vendor keeps the socket open', async () => {
    await using test = await openSession();
    await using other = await test.service.anotherNode();
    const page = test.chat();
    await once(page, 'message');
    const closes = Promise.all([once(page, 'close'), once(test.front.chat().socket, 'close')]);
    await endSession(other, await test.service.token('ann'), test.session_id);
    const [[code, reason], [vendorCode]] = await closes;
    expect([code, String(reason)]).toEqual([4410, 'The session has ended. Request a new token with createToken.']);
    expect(vendorCode).toBe(1001);
  });

  it('closes it also when the event of the end was lost', async () => {
    await using test = await openSession();
    await using other = await test.service.anotherNode();
    const page = test.chat();
    await once(page, 'message');
    const closed = once(page, 'close');
    await test.service.database.query(`
      SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'avatar-quota events'`);
    await endSession(other, await test.service.token('ann'), test.session_id);
    expect((await closed)[0]).toBe(4410);
  });

  it('closes it at the deadline without the database', async () => {
    await using test = await openSession(DIRECT, { MAX_SESSION_SECONDS: '2', MIN_SESSION_SECONDS: '1' });
    const page = test.chat();
    await once(page, 'message');
    await using _outage = await cutOff(test.service.database);
    expect((await once(page, 'close'))[0]).toBe(4410);
  });
});

it('opens at most ten times for one user, and no less for another', async () => {
  await using test = await openSession();
  const pages = Array.from({ length: 10 }, () => test.chat());
  await Promise.all(pages.map((page) => once(page, 'message')));
  const [, refused] = await once(test.chat(), 'unexpected-response');
  expect(refused.statusCode).toBe(429);

  const bob = await test.openFor('bob');
  await once(test.chat(bob), 'message');
  pages[0]?.close();
  await waitFor(() => test.opens());
});

/** A service whose vendor has a chat socket, and a session opened by the SDK's call. */
async function openSession(delivery: Delivery = DIRECT, settings: Record<string, string> = {}) {
  await using parts = new AsyncDisposableStack();
  const front = await startHeyGenFront();
  parts.defer(() => front[Symbol.asyncDispose]().catch(() => {}));
  const service = parts.use(
    await startTestService({ ...HEYGEN, ...delivery, HEYGEN_BASE_URL: front.url, ...settings }),
  );
  front.standBefore(service.simulator);
  const openFor = async (userId: string) => {
    const { token } = await createToken(service, await service.token(userId));
    const { body } = await callHeyGenSdk(service, 'new', token);
    return { session_id: String(body.data?.session_id), session_token: token };
  };
  const { session_id, session_token: token } = await openFor('ann');
  const rest = parts.move();
  return {
    service,
    front,
    token,
    session_id,
    openFor,
    /** Whether one more socket is accepted. */
    async opens(): Promise<boolean> {
      const socket = this.chat();
      const accepted = once(socket, 'message').then(() => true);
      return Promise.race([accepted, once(socket, 'unexpected-response').then(() => false)]);
    },
    chat(
      query: Record<string, string> = { session_id, session_token: token, silence_response: 'false' },
      options = {},
    ) {
      const url = `${service.url.replace('http', 'ws')}/v1/ws/streaming.chat?${new URLSearchParams(query)}`;
      const socket = new WebSocket(url, options);
      socket.on('error', () => {});
      return socket;
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}
