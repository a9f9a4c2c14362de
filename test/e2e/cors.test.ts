import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendRequest } from '../support/raw-http.ts';
import { startTestService, type TestService } from '../support/service.ts';

const BODY = JSON.stringify({ query: '{ __typename }' });
const ORIGINS = ['https://app.example.com', 'http://localhost:5173'];
const FOREIGN = [
  'https://evil.example',
  'http://app.example.com',
  'https://app.example.com:8443',
  'https://app.example.com.evil.example',
  'https://APP.example.com',
  'https://app.example.com/',
  'null',
  '*',
  '',
];

const GRAPHQL = '/graphql';
const REST = '/api/v1/tokens/track-end';

/** The headers by which a browser decides what a page may read. */
async function corsHeaders(
  service: TestService,
  path: string,
  origin: string,
  method = 'POST',
  more: Record<string, string> = {},
) {
  const token = await service.token('ann');
  const headers = { Origin: origin, Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...more };
  const answer = await sendRequest(service, method, path, headers, method === 'POST' ? BODY : '');
  return Object.fromEntries([...answer.headers].filter(([name]) => name.startsWith('access-control-')));
}

const preflight = (service: TestService, path: string, origin: string) =>
  corsHeaders(service, path, origin, 'OPTIONS', {
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'authorization,content-type',
  });

describe('without configured origins', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service[Symbol.asyncDispose]());

  test.each([...ORIGINS, ...FOREIGN])('a page of "%s" may read nothing', async (origin) => {
    for (const path of [GRAPHQL, REST]) {
      expect(await corsHeaders(service, path, origin)).toEqual({});
      expect(await preflight(service, path, origin)).toEqual({});
    }
  });
});

describe.each([
  ['one configured origin', ORIGINS.slice(0, 1)],
  ['several configured origins', ORIGINS],
])('with %s', (_what, origins) => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ CORS_ORIGINS: origins.join(', ') });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  test.each(origins)('a page of %s may read, with credentials', async (origin) => {
    const allowed = {
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization,content-type',
    };
    for (const path of [GRAPHQL, REST]) {
      expect(await corsHeaders(service, path, origin)).toEqual(allowed);
      expect(await preflight(service, path, origin)).toEqual(allowed);
    }
  });

  test.each(FOREIGN)('a page of "%s" may read nothing', async (origin) => {
    for (const path of [GRAPHQL, REST]) {
      expect(await corsHeaders(service, path, origin)).toEqual({});
      expect(await preflight(service, path, origin)).toEqual({});
    }
  });

  test('a page of a configured origin may read refusals too', async () => {
    const [origin = ''] = origins;
    for (const more of [
      { Authorization: 'Bearer garbage' },
      { 'Content-Type': 'text/plain' },
      { Accept: 'text/html' },
    ]) {
      for (const path of [GRAPHQL, REST]) {
        const headers = await corsHeaders(service, path, origin, 'POST', more);
        expect(headers).toMatchObject({ 'access-control-allow-origin': origin });
      }
    }
  });

  test('a preflight needs no token', async () => {
    const headers = { Origin: origins[0] ?? '', 'Access-Control-Request-Method': 'POST' };
    for (const path of [GRAPHQL, REST]) {
      expect(await sendRequest(service, 'OPTIONS', path, headers)).toMatchObject({ status: 204, body: '' });
    }
  });
});
