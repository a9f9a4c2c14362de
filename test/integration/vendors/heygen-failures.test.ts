import { describe, expect, it } from 'vitest';
import { simulateHeyGen } from './simulated-heygen.ts';
import { API_KEY, failureOf } from './simulated-vendor.ts';

const MINT = { avatarName: 'Ann', maxSessionSeconds: 60 };
const TOKEN = '/v1/streaming.create_token';

describe('a refusal', () => {
  it.each([
    ['retired', 410, { code: 410, message: 'This API was retired on 2026-03-31' }],
    ['concurrency', 400, { code: 10007, message: 'Concurrent limit reached' }],
    ['unauthorized', 401, { code: 400112, message: 'Unauthorized' }],
    ['unauthorized', 403, { error: 'Forbidden', data: null }],
    ['invalid', 400, { code: 400, message: 'Invalid parameters' }],
    ['invalid', 400, { code: 10012, message: 'Avatar not found' }],
    ['gone', 400, { code: 10005, message: 'session state wrong: closed' }],
    ['no_funds', 400, { code: 10015, message: 'Trial API limit reached' }],
    ['no_funds', 400, { error: { code: 'insufficient_credit', message: 'Insufficient credit' } }],
    ['rate_limited', 429, 'slow down'],
    ['rate_limited', 400, { code: 400123, message: 'Exceed rate limit' }],
    ['unavailable', 500, { message: 'Internal error' }],
    ['unavailable', 502, '<html><h1>Bad gateway</h1></html>'],
    ['unknown', 405, 'Method Not Allowed'],
    ['unknown', 200, { code: 400, message: 'Busy' }],
  ] as const)('is %s for %i with %j', async (kind, status, body) => {
    const { vendor, simulator } = await simulateHeyGen();
    simulator.failNext({ path: TOKEN, status, body });
    expect((await failureOf(vendor.mint(MINT))).kind).toBe(kind);
  });

  it('says where and why, for operators, without the key and the token', async () => {
    const { vendor, simulator } = await simulateHeyGen();
    const message = `No ${API_KEY}, no eyJ0b2tlbiI6ICI0ZDk3In0=`;
    simulator.failNext({ path: TOKEN, status: 401, body: { code: 400112, message } });
    expect((await failureOf(vendor.mint(MINT))).message).toBe(
      'HeyGen POST /v1/streaming.create_token answered 401: No [api key], no [token]',
    );
  });

  it('for the rate carries the delay', async () => {
    const { vendor, simulator } = await simulateHeyGen();
    simulator.failNext({ path: TOKEN, status: 429, headers: { 'retry-after': '2' } });
    expect(await failureOf(vendor.mint(MINT))).toMatchObject({ kind: 'rate_limited', retryAfterSeconds: 2 });
  });

  it('for a wrong key is unauthorized', async () => {
    const { vendor } = await simulateHeyGen({ apiKey: 'another' });
    expect((await failureOf(vendor.balance())).kind).toBe('unauthorized');
  });
});

describe('an answer that cannot be used', () => {
  it.each([
    ['no JSON', '{"code": 100, "data"'],
    ['nothing', ''],
    ['no data', { error: null, data: null }],
    ['no token', { error: null, data: {} }],
  ])('because there is %s in it means that the vendor is unavailable', async (_, body) => {
    const { vendor, simulator } = await simulateHeyGen();
    simulator.failNext({ path: TOKEN, status: 200, body });
    expect((await failureOf(vendor.mint(MINT))).kind).toBe('unavailable');
  });
});

describe('silence', () => {
  it.each(['mint', 'stop', 'keepAlive', 'balance', 'get', 'listEnded'] as const)(
    'ends %s at the timeout as unavailable',
    async (method) => {
      const { vendor, simulator } = await simulateHeyGen({}, { timeoutMs: 50 });
      for (const path of [TOKEN, '/v1/streaming.stop', '/v1/streaming.keep_alive', '/v1/streaming.list']) {
        simulator.failNext({ path, hang: true });
      }
      simulator.failNext({ path: '/v2/user/remaining_quota', hang: true });
      simulator.failNext({ path: '/v2/streaming.list', hang: true });
      const calls = {
        mint: () => vendor.mint(MINT),
        stop: () => vendor.stop('a', 'user_ended'),
        keepAlive: () => vendor.keepAlive('a'),
        balance: () => vendor.balance(),
        get: () => vendor.get('a'),
        listEnded: () => vendor.listEnded(new Date(0))[Symbol.asyncIterator]().next(),
      };
      const failure = await failureOf(calls[method]());
      expect(failure.kind).toBe('unavailable');
      expect(failure.message).toContain('gave no answer within 50 ms');
    },
  );

  it('in the middle of an answer is unavailable', async () => {
    const { vendor, simulator } = await simulateHeyGen();
    simulator.failNext({ path: TOKEN, closeMidAnswer: true });
    expect((await failureOf(vendor.mint(MINT))).kind).toBe('unavailable');
  });
});
