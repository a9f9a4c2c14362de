import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectDescribed, type OpenApiDocument, operations, responseOf, schemaNames } from '../support/openapi.ts';
import { runSession } from '../support/operations.ts';
import { cutOff } from '../support/outage.ts';
import { sendRequest } from '../support/raw-http.ts';
import { conversation, startTestService, type TestService } from '../support/service.ts';
import { MINT } from '../support/vendor-calls.ts';

const PATH = '/api/v1/openapi.json';
const ORIGIN = 'https://app.example.com';

let service: TestService;
let document: OpenApiDocument;

beforeAll(async () => {
  service = await startTestService({ CORS_ORIGINS: ORIGIN, MAX_TOKENS_PER_MINUTE: '3' });
  document = await (await fetch(`${service.url}${PATH}`)).json();
});
afterAll(() => service[Symbol.asyncDispose]());

describe('the document', () => {
  it('is the committed one', async () => {
    const committed = await readFile(new URL('../../docs/openapi.json', import.meta.url), 'utf8');
    expect(document).toEqual(JSON.parse(committed));
  });

  it('is not sent again to a client that has it', async () => {
    const { headers } = await fetch(`${service.url}${PATH}`);
    expect(headers.get('cache-control')).toBe('no-cache');
    const etag = headers.get('etag') ?? '';
    for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await sendRequest(service, 'GET', PATH, { 'If-None-Match': tags });
      expect(answer).toMatchObject({ status: 304, body: '' });
      expect(answer.headers.get('etag')).toBe(etag);
    }
    expect(await sendRequest(service, 'GET', PATH, { 'If-None-Match': '"other"' })).toMatchObject({ status: 200 });
  });

  it('is described by HEAD without its body', async () => {
    const get = await sendRequest(service, 'GET', PATH);
    const head = await sendRequest(service, 'HEAD', PATH);
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(get.body)));
    expect(head.headers.get('etag')).toBe(get.headers.get('etag'));
  });

  it.each(['POST', 'PUT', 'DELETE'])('does not support %s', async (method) => {
    const answer = await sendRequest(service, method, PATH);
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
  });

  it('can be read by pages of configured origins only, also through a shared cache', async () => {
    const allowed = await sendRequest(service, 'GET', PATH, { Origin: ORIGIN });
    expect(allowed.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    const foreign = await sendRequest(service, 'GET', PATH, { Origin: 'https://evil.example' });
    expect(foreign.headers.has('access-control-allow-origin')).toBe(false);
    for (const { headers } of [allowed, foreign]) expect(headers.get('vary')).toBe('Origin');
  });

  it('is named by the error for an unknown path', async () => {
    const response = await fetch(`${service.url}/api/v1/usage`);
    const body = await response.json();
    expect(response.status).toBe(404);
    expect(body).toEqual({ success: false, code: 'NOT_FOUND', message: expect.stringContaining(PATH) });
  });
});

describe('every answer is as described', () => {
  /** What has been answered, as `createToken 200 VendorError`. */
  const observed = new Set<string>();

  interface Sent {
    readonly token?: string | null;
    readonly body?: unknown;
    readonly query?: string;
    readonly method?: string;
    readonly contentType?: string;
  }

  /** Sends a request of an operation, and checks the answer against the document. */
  async function send(operationId: string, sent: Sent = {}, { url } = service) {
    const found = operations(document).find(({ operation }) => operation.operationId === operationId);
    if (!found) throw new Error(`There is no operation ${operationId}.`);
    const { path, operation } = found;
    const { token, query = '', method = found.method, contentType = 'application/json' } = sent;
    const { body = operation.requestBody?.content['application/json'].example } = sent;
    const response = await fetch(`${url}/api/v1${path}${query}`, {
      method,
      headers: { 'content-type': contentType, ...(token && { authorization: `Bearer ${token}` }) },
      ...(method === 'POST' && { body: JSON.stringify(body ?? {}) }),
    });
    const answer = { status: response.status, headers: response.headers, body: await response.json() };
    observed.add(`${operationId} ${answer.status} ${expectDescribed(document, operation, answer)}`);
    return answer;
  }

  const ids = [
    ...['createToken', 'trackStart', 'trackEnd'],
    ...['getQuota', 'canCreateSession', 'getUsageSummary', 'getUsageHistory'],
  ];

  it('through a session', async () => {
    const token = await service.token('ann');
    const session_id = conversation();
    const { body: created } = await send('createToken', { token, body: { session_id } });
    const { avatar_session_id } = created;
    await send('getUsageHistory', { token });
    const start = { avatar_session_id, session_id, user_id: 'ann' };
    expect((await send('trackStart', { token, body: start })).body).toMatchObject({ success: true });
    await send('getQuota', { token });
    await send('getUsageSummary', { token });
    expect((await send('canCreateSession', { token })).body).toMatchObject({ reason: 'CONCURRENCY_LIMIT' });
    expect((await send('createToken', { token, body: { session_id: conversation() } })).body).toMatchObject({
      code: 'CONCURRENCY_LIMIT',
      open_sessions: [{ status: 'active' }],
    });
    const end = { avatar_session_id, words_spoken: 12, messages_count: 3, error_message: 'The tab crashed.' };
    expect((await send('trackEnd', { token, body: end })).body).toMatchObject({ record: { status: 'error' } });
    expect((await send('trackStart', { token, body: start })).body).toMatchObject({ code: 'SESSION_ENDED' });
    await send('createToken', { token, body: { session_id } });
    expect((await send('getUsageHistory', { token, query: '?limit=1' })).body.next_cursor).toMatch(/\w/);
    expect((await send('canCreateSession', { token })).body).toMatchObject({ allowed: true, reason: null });
  });

  it('with figures of the vendor', async () => {
    const token = await service.token('bob');
    const { body } = await send('createToken', { token, body: { session_id: 'chat' } });
    const { avatar_session_id } = body;
    await send('trackStart', { token, body: { avatar_session_id, session_id: 'chat' } });
    await send('trackEnd', { token, body: { avatar_session_id } });
    const setActual = (figures: string) =>
      service.database.query(`UPDATE avatar_usage_records SET ${figures} WHERE user_id = 'bob'`);
    await setActual(`actual_seconds = 61, actual_cost = 0.203333, vendor_end_reason = 'USER_CLOSED'`);
    expect((await send('getUsageHistory', { token })).body).toMatchObject({ items: [{ actual_seconds: 61 }] });
    await send('getUsageSummary', { token });
    await setActual('actual_seconds = NULL, actual_cost = NULL, vendor_end_reason = NULL');
  });

  it('with a quota that is used up, deactivated, or bounded by the account', async () => {
    const token = await service.token('carol');
    await service.database.query(
      `INSERT INTO usage_quotas (user_id, current_month, monthly_limit_minutes)
      VALUES ('carol', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM'), 0)`,
    );
    expect((await send('getQuota', { token })).body).toMatchObject({ warning: { level: 'limit_reached' } });
    expect((await send('createToken', { token })).body).toMatchObject({ code: 'QUOTA_EXCEEDED', limit: 'minutes' });
    expect((await send('canCreateSession', { token })).body).toMatchObject({ reason: 'QUOTA_EXCEEDED' });
    await service.database.query(`UPDATE usage_quotas SET is_active = false WHERE user_id = 'carol'`);
    expect((await send('createToken', { token })).body).toMatchObject({ code: 'QUOTA_INACTIVE', limit: null });
    expect((await send('canCreateSession', { token })).body).toMatchObject({ reason: 'QUOTA_INACTIVE' });
    await using bounded = await startTestService({ ACCOUNT_MONTHLY_COST_LIMIT: '0.01' });
    expect((await send('createToken', { token: await bounded.token('carol') }, bounded)).body).toMatchObject({
      code: 'ACCOUNT_LIMIT_REACHED',
      limit: null,
    });
  });

  it.each([
    [429, 'VENDOR_RATE_LIMITED'],
    [401, 'VENDOR_UNAUTHORIZED'],
    [503, 'VENDOR_UNAVAILABLE'],
  ])('when the vendor answers %i', async (status, code) => {
    const token = await service.token(`dave-${status}`);
    service.simulator.failNext({ path: MINT, status });
    expect((await send('createToken', { token })).body).toMatchObject({ code });
    await send('getUsageHistory', { token });
  });

  it('when the user requests too many tokens', async () => {
    const token = await service.token('erin');
    for (let count = 0; count < 3; count++) await runSession(service, token);
    expect(await send('createToken', { token })).toMatchObject({ status: 429 });
    expect((await send('canCreateSession', { token })).body).toMatchObject({ reason: 'TOKEN_RATE_LIMITED' });
  });

  it('when the session is unknown, or the user another', async () => {
    const token = await service.token('frank');
    const body = { avatar_session_id: 'unknown', session_id: 'chat' };
    expect(await send('trackStart', { token, body })).toMatchObject({ status: 404 });
    expect(await send('trackEnd', { token, body })).toMatchObject({ status: 404 });
    expect(await send('trackStart', { token, body: { ...body, user_id: 'ann' } })).toMatchObject({ status: 403 });
  });

  it('when the request is invalid', async () => {
    const token = await service.token('grace');
    for (const id of ids.slice(0, 3)) {
      expect(await send(id, { token, body: { session_id: 5 } })).toMatchObject({ status: 400 });
      expect(await send(id, { token, body: { session_id: 'x'.repeat(70_000) } })).toMatchObject({ status: 413 });
      expect(await send(id, { token, contentType: 'text/plain' })).toMatchObject({ status: 415 });
      expect(await send(id, { token, method: 'GET' })).toMatchObject({ status: 405 });
    }
    for (const id of ids.slice(3)) expect(await send(id, { token, method: 'POST' })).toMatchObject({ status: 405 });
    expect(await send('getUsageSummary', { token, query: '?period=2026-13' })).toMatchObject({ status: 400 });
    expect(await send('getUsageHistory', { token, query: '?limit=101' })).toMatchObject({ status: 400 });
  });

  it('without a token', async () => {
    for (const id of ids) expect(await send(id, { token: null })).toMatchObject({ status: 401 });
  });

  it('when the service fails, or its database is down', async () => {
    await using broken = await startTestService();
    // the user of the examples
    const token = await broken.token('user-1204');
    const rename = (from: string, to: string) => broken.database.query(`ALTER TABLE ${from} RENAME TO ${to}`);
    await rename('usage_quotas', 'lost_quotas');
    await rename('avatar_usage_records', 'lost_records');
    for (const id of ids) expect(await send(id, { token }, broken)).toMatchObject({ status: 500 });
    await rename('lost_quotas', 'usage_quotas');
    await rename('lost_records', 'avatar_usage_records');
    await using _outage = await cutOff(broken.database);
    for (const id of ids) expect(await send(id, { token }, broken)).toMatchObject({ status: 503 });
  });

  it('and every answer that is described was given', () => {
    const described = operations(document).flatMap(({ operation }) =>
      Object.keys(operation.responses).flatMap((status) =>
        schemaNames(responseOf(document, operation, status)).map(
          (name) => `${operation.operationId} ${status} ${name}`,
        ),
      ),
    );
    expect([...observed].sort()).toEqual(described.sort());
  });
});
