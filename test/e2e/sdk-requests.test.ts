import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dumpDatabase } from '../support/dump.ts';
import { createToken } from '../support/operations.ts';
import { sendBytes, sendRequest } from '../support/raw-http.ts';
import { callSdk, SDK_CALLS } from '../support/sdk-calls.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { bearersAtVendor } from '../support/vendor-calls.ts';

const ORIGIN = 'https://app.example.com';
const FOREIGN_ORIGIN = 'https://evil.example';
const START_PATH = '/liveavatar/v1/sessions/start';

let service: TestService;
let users = 0;
beforeAll(async () => {
  service = await startTestService({ CORS_ORIGINS: ORIGIN });
});
afterAll(() => service[Symbol.asyncDispose]());

/** A token of a user of its own. */
async function newToken() {
  users += 1;
  return createToken(service, await service.token(`user-${users}`));
}

async function runningToken() {
  const created = await newToken();
  await callSdk(service, 'start', created.token);
  return created;
}

describe('a body', () => {
  it.each(SDK_CALLS)('of %s that names another session is 403, and nothing happens', async (call) => {
    const { token } = await runningToken();
    const { record: foreign } = await runningToken();
    const sent = bearersAtVendor(service, token);
    const before = await dumpDatabase(service.database);
    expect(await callSdk(service, call, token, { session_id: foreign.avatarSessionId })).toMatchObject({
      status: 403,
      body: { code: 403, data: null, message: expect.stringContaining('another session') },
    });
    expect(await dumpDatabase(service.database)).toEqual(before);
    expect(bearersAtVendor(service, token)).toBe(sent);
  });

  it.each<[string, unknown]>([
    ['that is not JSON', 'session_id=1'],
    ['that is a list', []],
    ['that is null', null],
    ['that is a text', '"text"'],
    ['whose session_id is a number', { session_id: 1 }],
  ])('%s is 400, and nothing happens', async (_what, body) => {
    const { token } = await newToken();
    const before = await dumpDatabase(service.database);
    for (const call of SDK_CALLS) {
      expect(await callSdk(service, call, token, body)).toMatchObject({
        status: 400,
        body: { code: 400, data: null, message: expect.stringContaining('Send a JSON object') },
      });
    }
    expect(await dumpDatabase(service.database)).toEqual(before);
    expect(bearersAtVendor(service, token)).toBe(0);
  });

  it('may be empty, an empty object, or 64 KiB, and not more', async () => {
    const { token } = await runningToken();
    const filled = (bytes: number) => JSON.stringify({ text: 'x'.repeat(bytes - 11) });
    expect(filled(65_536)).toHaveLength(65_536);
    for (const body of ['', '{}', filled(65_536)]) {
      expect(await callSdk(service, 'keep-alive', token, body)).toMatchObject({ status: 200 });
    }
    expect(await sendCall('POST', START_PATH, { Authorization: `Bearer ${token}` }, filled(65_537))).toMatchObject({
      status: 413,
      envelope: { code: 413, data: null },
    });
  });

  it('of which the sender sends only a part changes nothing', async () => {
    const { token } = await newToken();
    const before = await dumpDatabase(service.database);
    const head = [`POST ${START_PATH} HTTP/1.1`, 'Host: localhost', `Authorization: Bearer ${token}`];
    const part = [...head, 'Content-Length: 10', '', '{'].join('\r\n');
    expect(await sendBytes(service, part, { end: true })).toMatchObject({ body: '' });
    expect(await dumpDatabase(service.database)).toEqual(before);
    expect(bearersAtVendor(service, token)).toBe(0);
  });
});

describe('a request', () => {
  it.each<[string, Record<string, string>]>([
    ['without a token', {}],
    ['with another scheme', { Authorization: 'Basic abc' }],
    ['with an empty token', { Authorization: 'Bearer ' }],
    ['with two words', { Authorization: 'Bearer a b' }],
    ['with an API key', { 'X-API-KEY': 'test-key' }],
  ])('%s is 401', async (_what, headers) => {
    expect(await sendCall('POST', START_PATH, headers)).toMatchObject({
      status: 401,
      envelope: { code: 401, data: null, message: expect.stringContaining('Authorization: Bearer') },
    });
  });

  it.each(['GET', 'PUT', 'DELETE', 'PATCH'])('by %s is 405', async (method) => {
    const { status, headers, envelope } = await sendCall(method, START_PATH);
    expect({ status, allow: headers.get('allow'), envelope }).toMatchObject({
      status: 405,
      allow: 'POST, OPTIONS',
      envelope: { code: 405, data: null, message: 'Send this call as POST.' },
    });
  });

  it.each(['/liveavatar/', '/liveavatar/v1/sessions', '/liveavatar/v1/sessions/token', `${START_PATH}/`])(
    'to %s is 404',
    async (path) => {
      expect(await sendCall('POST', path)).toMatchObject({ status: 404, envelope: { code: 404, data: null } });
    },
  );

  it('may have a query', async () => {
    const { token } = await newToken();
    const answer = await sendCall('POST', `${START_PATH}?v=1`, { Authorization: `Bearer ${token}` });
    expect(answer).toMatchObject({ status: 201, envelope: { code: 1000 } });
  });
});

describe('a page', () => {
  const preflight = (origin: string) =>
    sendCall('OPTIONS', START_PATH, {
      Origin: origin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'authorization,content-type',
    });
  const allowed = { 'access-control-allow-origin': ORIGIN, 'access-control-allow-credentials': 'true' };

  it('of a configured origin may call with credentials', async () => {
    const { status, headers } = await preflight(ORIGIN);
    expect(status).toBe(204);
    expect(Object.fromEntries(headers)).toMatchObject({
      ...allowed,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization,content-type',
    });
  });

  it('of a configured origin may read answers and refusals', async () => {
    const { token } = await newToken();
    for (const Authorization of [`Bearer ${token}`, 'Bearer unknown', '']) {
      const { headers } = await sendCall('POST', START_PATH, { Origin: ORIGIN, Authorization });
      expect(Object.fromEntries(headers)).toMatchObject(allowed);
    }
  });

  it.each([FOREIGN_ORIGIN, 'null', `${ORIGIN}.evil.example`])('of %s gets no CORS headers', async (origin) => {
    const { token } = await newToken();
    const answers = [
      await preflight(origin),
      await sendCall('POST', START_PATH, { Origin: origin, Authorization: `Bearer ${token}` }),
    ];
    for (const { headers } of answers) {
      expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });
});

async function sendCall(method: string, path: string, headers: Record<string, string> = {}, body = '') {
  const answer = await sendRequest(service, method, path, headers, body);
  return { ...answer, envelope: answer.body === '' ? null : JSON.parse(answer.body) };
}
