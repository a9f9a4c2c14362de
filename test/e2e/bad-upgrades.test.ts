import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSocket } from '../support/raw-socket.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let authorization: string;

beforeAll(async () => {
  service = await startTestService({ CORS_ORIGINS: 'https://app.example.com' });
  authorization = `Bearer ${await service.token('ann')}`;
});

afterAll(() => service[Symbol.asyncDispose]());

describe('an upgrade is refused', () => {
  test.each([
    'https://evil.example',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.example',
    'null',
    'file://',
    'garbage',
  ])('from %s', async (origin) => {
    await expect(openSocket(service, { headers: { origin } })).rejects.toThrow('refused with 403');
  });

  test('anywhere but at /graphql', async () => {
    const elsewhere = { webSocketUrl: service.webSocketUrl.replace('/graphql', '/') };
    await expect(openSocket(elsewhere)).rejects.toThrow('refused with 404');
  });

  test('without harm when the client is gone before the answer', async () => {
    const { hostname, port, host } = new URL(service.url);
    const upgrade = `GET /elsewhere HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    const reset = () =>
      new Promise<void>((resolve) => {
        const socket = connect(Number(port), hostname, () => socket.write(upgrade, () => socket.resetAndDestroy()));
        socket.on('error', () => {}).on('close', () => resolve());
      });
    for (let round = 0; round < 100; round++) await reset();
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  });

  test.each([[[]], [['graphql-ws']], [['chat']]])('by its protocols %s', async (protocols) => {
    const code = await openSocket(service, { protocols }).then(
      async (socket) => (await socket.closed).code,
      (error: Error) => error.message,
    );
    expect([4406, 'Server sent no subprotocol']).toContain(code);
  });

  test('not from a configured origin, nor from the service itself', async () => {
    for (const origin of ['https://app.example.com', service.url]) {
      using socket = await openSocket(service, { headers: { origin } });
      await socket.connect({ authorization });
    }
  });
});
