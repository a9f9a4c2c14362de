import { describe, expect, it } from 'vitest';
import { API_KEY, failureOf, simulate } from './simulated-vendor.ts';

const MINT = { avatarName: 'Ann', maxSessionSeconds: 60 };
const TOKEN = '/v1/sessions/token';

describe('a refusal', () => {
  it.each([
    ['concurrency', 403, { code: 4003, data: null, message: 'Session concurrency limit reached' }],
    ['unauthorized', 403, { code: 4010, data: null, message: 'Forbidden' }],
    ['unauthorized', 401, { detail: 'Invalid API key' }],
    ['invalid', 422, { detail: [{ loc: ['body', 'avatar_id'], msg: 'Field required', type: 'missing' }] }],
    ['gone', 404, { code: 4004, data: null, message: 'Avatar not found' }],
    ['no_funds', 402, {}],
    ['no_funds', 400, { code: 4000, data: null, message: 'Not enough credits to start' }],
    ['rate_limited', 429, 'slow down'],
    ['unavailable', 500, { message: 'Internal error' }],
    ['unavailable', 502, '<html><h1>Bad gateway</h1></html>'],
    ['unknown', 405, { detail: 'Method Not Allowed' }],
    ['unknown', 418, 'I am a teapot'],
  ] as const)('is %s for %i with %j', async (kind, status, body) => {
    const { vendor, simulator } = await simulate();
    simulator.failNext({ path: TOKEN, status, body });
    expect((await failureOf(vendor.mint(MINT))).kind).toBe(kind);
  });

  it('says where and why, for operators', async () => {
    const { vendor, simulator } = await simulate({}, { avatars: { Ann: { avatarId: 'no uuid' } } });
    expect((await failureOf(vendor.mint(MINT))).message).toMatchInlineSnapshot(
      `"LiveAvatar POST /v1/sessions/token answered 422: body.avatar_id: Invalid GUID"`,
    );
    simulator.failNext({ path: TOKEN, status: 502, body: '<h1>Bad\n gateway</h1>' });
    expect((await failureOf(vendor.mint(MINT))).message).toMatchInlineSnapshot(
      `"LiveAvatar POST /v1/sessions/token answered 502: <h1>Bad gateway</h1>"`,
    );
  });

  it('for a wrong key is unauthorized', async () => {
    const { vendor } = await simulate({ apiKey: 'another' });
    expect((await failureOf(vendor.balance())).kind).toBe('unauthorized');
  });

  it('for the rate carries the delay, in seconds or as a date', async () => {
    const { vendor, simulator } = await simulate();
    simulator.failNext({ path: TOKEN, status: 429, headers: { 'retry-after': '2' } });
    expect(await failureOf(vendor.mint(MINT))).toMatchObject({ kind: 'rate_limited', retryAfterSeconds: 2 });
    const date = 'Thu, 05 Nov 2026 12:00:42 GMT';
    simulator.failNext({ path: TOKEN, status: 429, headers: { 'retry-after': date } });
    expect(await failureOf(vendor.mint(MINT))).toMatchObject({ kind: 'rate_limited', retryAfterSeconds: 42 });
    simulator.failNext({ path: TOKEN, status: 429 });
    expect(await failureOf(vendor.mint(MINT))).toMatchObject({ kind: 'rate_limited', retryAfterSeconds: null });
  });

  it('that points elsewhere is not followed, so that the key stays here', async () => {
    const { simulator: elsewhere } = await simulate();
    const { vendor, simulator } = await simulate();
    simulator.failNext({ path: TOKEN, status: 307, headers: { location: `${elsewhere.url}${TOKEN}` } });
    expect((await failureOf(vendor.mint(MINT))).kind).toBe('unknown');
    expect(elsewhere.requests()).toHaveLength(0);
  });
});

describe('an answer that cannot be used', () => {
  it.each([
    ['no JSON', '{"code": 1000, "data"'],
    ['no object', '"fine"'],
    ['nothing', ''],
    ['no data', { code: 1000, data: null }],
    ['no token', { code: 1000, data: { session_id: 'a' } }],
    ['no id', { code: 1000, data: { session_token: 'eyJhbGciOi.eyJzZXNz.c2ln' } }],
  ])('because there is %s in it means that the vendor is unavailable', async (_, body) => {
    const { vendor, simulator } = await simulate();
    simulator.failNext({ path: TOKEN, status: 200, body });
    const failure = await failureOf(vendor.mint(MINT));
    expect(failure.kind).toBe('unavailable');
    expect(failure.message).not.toContain('eyJ');
  });

  it.each(['balance', 'listActive'] as const)('is a failure of %s too', async (method) => {
    const { vendor, simulator } = await simulate();
    simulator.failNext({ path: '/v1/users/credits', status: 200, body: { data: { credits_left: 'many' } } });
    simulator.failNext({ path: '/v1/sessions', status: 200, body: { data: { results: [{ id: 7 }] } } });
    const call = method === 'balance' ? vendor.balance() : vendor.listActive()[Symbol.asyncIterator]().next();
    expect((await failureOf(call)).kind).toBe('unavailable');
  });
});

describe('silence', () => {
  it.each(['mint', 'stop', 'get', 'keepAlive', 'balance', 'listActive', 'listEnded'] as const)(
    'ends %s at the timeout as unavailable',
    async (method) => {
      const { vendor, simulator } = await simulate({}, { timeoutMs: 50 });
      for (const path of [
        TOKEN,
        '/v1/sessions/stop',
        '/v1/sessions/a',
        '/v1/sessions/keep-alive',
        '/v1/users/credits',
      ]) {
        simulator.failNext({ path, hang: true });
      }
      simulator.failNext({ path: '/v1/sessions', hang: true });
      const calls = {
        mint: () => vendor.mint(MINT),
        stop: () => vendor.stop('a', 'user_ended'),
        get: () => vendor.get('a'),
        keepAlive: () => vendor.keepAlive('a'),
        balance: () => vendor.balance(),
        listActive: () => vendor.listActive()[Symbol.asyncIterator]().next(),
        listEnded: () => vendor.listEnded(new Date(0))[Symbol.asyncIterator]().next(),
      };
      const failure = await failureOf(calls[method]());
      expect(failure.kind).toBe('unavailable');
      expect(failure.message).toContain('gave no answer within 50 ms');
    },
  );

  it('of a closed port is unavailable', async () => {
    const { vendor, simulator } = await simulate();
    await simulator.close();
    const failure = await failureOf(vendor.mint(MINT));
    expect(failure.kind).toBe('unavailable');
    expect(failure.message).toContain('ECONNREFUSED');
  });

  it('in the middle of an answer is unavailable', async () => {
    const { vendor, simulator } = await simulate();
    simulator.failNext({ path: TOKEN, closeMidAnswer: true });
    expect((await failureOf(vendor.mint(MINT))).kind).toBe('unavailable');
  });
});

describe('a failure', () => {
  it('never shows the key, also where the vendor quotes it', async () => {
    const { vendor, simulator } = await simulate();
    simulator.failNext({ path: TOKEN, status: 401, body: { message: `The key ${API_KEY} is unknown` } });
    const failure = await failureOf(vendor.mint(MINT));
    expect(failure.message).toBe('LiveAvatar POST /v1/sessions/token answered 401: The key [api key] is unknown');
    expect(failure.cause).toBeUndefined();
  });

  it('never shows the key, also where it cannot be sent', async () => {
    const { vendor } = await simulate({}, { apiKey: 'secret\nkey' });
    const failure = await failureOf(vendor.balance());
    expect(failure.kind).toBe('unavailable');
    expect(failure.message).not.toContain('secret');
  });
});
