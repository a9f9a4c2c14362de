import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { startService } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { createDataDirectory } from '../support/data-directory.ts';
import { createLogLines } from '../support/log-lines.ts';
import { sendRequest } from '../support/raw-http.ts';
import { openSocket } from '../support/raw-socket.ts';
import { startTestService } from '../support/service.ts';

const ALLOWED = 'https://app.example.com';
const PATHS = ['/graphql', '/api/v1/usage/quota', '/liveavatar/v1/sessions/start'];

const refusal = (origin: string) => `origin ${origin} refused, see CORS_ORIGINS`;

test('each refused origin is logged once, whether it comes by a request, a preflight or an upgrade', async () => {
  const { lines, log } = createLogLines('warn');
  await using service = await startTestService({ CORS_ORIGINS: ALLOWED }, { log });
  const origins = ['https://a.example', 'https://b.example', 'https://c.example', 'null'];

  for (let round = 0; round < 2; round++) {
    for (const path of PATHS) {
      await sendRequest(service, 'GET', path, { Origin: 'https://a.example' });
      await sendRequest(service, 'OPTIONS', path, { Origin: 'https://b.example' });
    }
    await expect(openSocket(service, { headers: { origin: 'https://c.example' } })).rejects.toThrow('403');
    await sendRequest(service, 'GET', '/graphql', { Origin: 'null' });
  }

  expect(lines().map(({ level, msg }) => [level, msg])).toEqual(origins.map((origin) => ['warn', refusal(origin)]));
});

test('programs, pages of the service itself and pages of allowed origins are not logged', async () => {
  const { lines, log } = createLogLines('warn');
  await using service = await startTestService({ CORS_ORIGINS: ALLOWED }, { log });
  for (const origin of [null, service.url, ALLOWED]) {
    for (const path of PATHS) await sendRequest(service, 'GET', path, { Origin: origin });
    using _socket = await openSocket(service, { headers: origin === null ? {} : { origin } });
  }
  expect(lines()).toEqual([]);
});

test('no number of origins floods the log, and no header that a browser would not send reaches it', async () => {
  const { lines, log } = createLogLines('warn');
  await using service = await startTestService({}, { log });
  for (const origin of ['garbage', 'https://\u009b31m.example', `https://${'a'.repeat(300)}.example`]) {
    await sendRequest(service, 'GET', '/graphql', { Origin: origin });
  }
  expect(lines()).toEqual([]);
  for (let index = 0; index < 150; index++) {
    await sendRequest(service, 'GET', '/graphql', { Origin: `https://${index}.example` });
  }
  expect(lines().length).toBe(101);
  expect(lines().at(-1)?.msg).toBe('100 origins refused, further ones are not logged');
});

test('with DATABASE_URL, pages on localhost need CORS_ORIGINS like any other', async () => {
  const { lines, log } = createLogLines('warn');
  await using service = await startTestService({}, { log });
  const origin = 'http://localhost:5173';
  const { headers } = await sendRequest(service, 'OPTIONS', '/graphql', { Origin: origin });
  expect(headers.get('access-control-allow-origin')).toBeUndefined();
  await expect(openSocket(service, { headers: { origin } })).rejects.toThrow('403');
  expect(lines().map(({ msg }) => msg)).toEqual([refusal(origin)]);
});

test('in embedded mode, pages on localhost may call on every port, over HTTP and WebSocket', async () => {
  const { lines, log } = createLogLines('warn');
  await using parts = new AsyncDisposableStack();
  const dataDir = await createDataDirectory();
  parts.defer(() => rm(dataDir, { recursive: true }));
  const config = loadConfig({ DATA_DIR: dataDir, PORT: '0', CORS_ORIGINS: ALLOWED });
  const { url, stop } = await startService(config, log);
  parts.defer(stop);
  const service = { url, webSocketUrl: `${url.replace('http', 'ws')}/graphql` };

  for (const origin of ['http://localhost:5173', 'http://127.0.0.1:3000', 'http://localhost', ALLOWED]) {
    for (const path of PATHS) {
      const { headers } = await sendRequest(service, 'OPTIONS', path, { Origin: origin });
      expect(headers.get('access-control-allow-origin')).toBe(origin);
    }
    using _socket = await openSocket(service, { headers: { origin } });
  }
  expect(lines()).toEqual([]);

  const foreign = [
    'https://localhost:5173',
    'http://localhost.evil.example:5173',
    'http://evil.example',
    'http://localhost:5173@evil.example',
    'http://127.0.0.10:3000',
  ];
  for (const origin of foreign) {
    for (const path of PATHS) {
      const { headers } = await sendRequest(service, 'OPTIONS', path, { Origin: origin });
      expect(headers.get('access-control-allow-origin')).toBeUndefined();
    }
    await expect(openSocket(service, { headers: { origin } })).rejects.toThrow('403');
  }
  expect(lines().map(({ msg }) => msg)).toEqual(foreign.map(refusal));
});
