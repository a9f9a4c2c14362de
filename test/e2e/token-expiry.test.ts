import { describe, expect, it } from 'vitest';
import type { CloseEvent } from 'ws';
import { issueToken } from '../../src/server/issue-token.ts';
import { socketClient } from '../support/clients.ts';
import { createToken, QUOTA } from '../support/operations.ts';
import { post, startTestService } from '../support/service.ts';
import { openStream } from '../support/sse.ts';
import { firstVersion } from '../support/versions.ts';

describe.concurrent('a token that expires', () => {
  it('closes its socket with 4403, and the client goes on with a fresh one', async () => {
    await using service = await startTestService();
    const tokens = [await service.token('ann', 2), await service.token('ann')];
    const { closes, connections, on } = watchConnections();
    await using client = socketClient(service, null, {
      on,
      connectionParams: () => ({ authorization: `Bearer ${tokens[connections.length - 1]}` }),
    });
    const inbox = client.watchQuota();

    const [, second] = await inbox.take(2);
    expect(second).toMatchObject({ reason: 'SNAPSHOT' });
    expect(closes).toMatchObject([{ code: 4403, reason: 'The token has expired' }]);
    await createToken(service, tokens[1] ?? '');
    expect((await inbox.take(3)).at(-1)).toMatchObject({ reason: 'TOKEN_CREATED' });
  });

  it('ends its stream of events with an UNAUTHENTICATED error', async () => {
    await using service = await startTestService();
    await using stream = await openStream(service, await service.token('ann', 2));
    const [snapshot, last, complete] = await stream.events.take(3);
    expect(snapshot).toMatchObject({ event: 'next', data: { data: { quotaUpdated: { reason: 'SNAPSHOT' } } } });
    expect(last).toMatchObject({ event: 'next', data: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } });
    expect(complete).toEqual({ event: 'complete', data: null });
    expect(await stream.events.ended()).toBeUndefined();
  });

  it('ends, where it was given for one operation of a socket, that operation alone', async () => {
    await using service = await startTestService();
    const authorization = `Bearer ${await service.token('ann', 2)}`;
    await using client = socketClient(service, await service.token('bob'));
    const inbox = client.watchQuota({ extensions: { headers: { authorization } } });
    await inbox.take(1);
    expect(await inbox.ended()).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    expect(await client.run(QUOTA)).toMatchObject({ quota: { version: firstVersion() } });
  });
});

describe.each([
  ['no token', () => null],
  ['a token that is none', () => 'nonsense'],
  ['a token that was signed with another secret', foreignToken],
])('%s', (_name, badToken) => {
  it('closes the socket with 4401, which the client does not retry', async () => {
    await using service = await startTestService();
    const { closes, connections, on } = watchConnections();
    await using client = socketClient(service, await badToken(), { on });
    expect(await client.watchQuota().ended()).toMatchObject({ code: 4401 });
    expect(closes).toMatchObject([{ code: 4401, reason: expect.stringMatching(/token/i) }]);
    expect(connections).toEqual([{ retried: false }]);
  });

  it('is answered with 401 and UNAUTHENTICATED over HTTP', async () => {
    await using service = await startTestService();
    expect(await post(service, await badToken(), QUOTA)).toMatchObject(UNAUTHENTICATED);
  });
});

it('an expired token is answered with 401 and UNAUTHENTICATED over HTTP', async () => {
  await using service = await startTestService();
  const token = await service.token('ann', -60);
  expect(await post(service, token, QUOTA)).toMatchObject(UNAUTHENTICATED);
  await using stream = await openStream(service, token);
  expect(stream.response.status).toBe(401);
});

it('an expired token closes a new socket with 4403', async () => {
  await using service = await startTestService();
  const tokens = [await service.token('ann', -60), await service.token('ann')];
  const { closes, connections, on } = watchConnections();
  await using client = socketClient(service, null, {
    on,
    connectionParams: () => ({ Authorization: `Bearer ${tokens[connections.length - 1]}` }),
  });
  await client.watchQuota().take(1);
  expect(closes).toMatchObject([{ code: 4403 }]);
});

const UNAUTHENTICATED = { status: 401, body: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } };

/** Notes the connections that a client makes and how they are closed. */
function watchConnections() {
  const closes: CloseEvent[] = [];
  const connections: { retried: boolean }[] = [];
  return {
    closes,
    connections,
    on: {
      connecting: (retried: boolean) => connections.push({ retried }),
      closed: (event: unknown) => closes.push(event as CloseEvent),
    },
  };
}

function foreignToken(): Promise<string> {
  const rules = { issuer: null, audience: null, roleClaim: 'role', adminRole: 'admin' };
  const secret = 'another-secret-that-is-long-enough-for-it';
  return issueToken({ ...rules, secret, userId: 'ann', admin: false, ttlSeconds: 3600 }, () => new Date());
}
