import { describe, expect, it } from 'vitest';
import { simulateHeyGen } from './simulated-heygen.ts';
import { API_KEY, collect } from './simulated-vendor.ts';

const KEY = { 'x-api-key': API_KEY };
const MINT = { avatarName: 'Ann', maxSessionSeconds: 60 };
const NEW = '/v1/streaming.new';

describe('credentials', () => {
  it.each([
    ['POST', '/v1/streaming.create_token'],
    ['GET', '/v1/streaming.list'],
    ['GET', '/v2/streaming.list'],
    ['GET', '/v2/user/remaining_quota'],
  ])('%s %s takes the key only', async (method, path) => {
    const { vendor, simulator } = await simulateHeyGen();
    const { token } = await vendor.mint(MINT);
    const status = async (headers: Record<string, string>) =>
      (await fetch(`${simulator.url}${path}`, { method, headers })).status;
    expect(await status({})).toBe(401);
    expect(await status({ 'x-api-key': 'another' })).toBe(401);
    expect(await status({ authorization: `Bearer ${token}` })).toBe(401);
    expect(await status(KEY)).toBe(200);
  });

  it('a token that was not given out opens nothing', async () => {
    const { withToken, simulator } = await simulateHeyGen();
    expect((await withToken('eyJ0b2tlbiI6IngifQ==', NEW)).status).toBe(401);
    expect(simulator.heygenSessions()).toEqual([]);
  });
});

describe('a token', () => {
  it('opens any number of sessions of any length, each with its own meter', async () => {
    const { vendor, simulator, withToken, pass } = await simulateHeyGen();
    const { token } = await vendor.mint(MINT);
    for (let count = 0; count < 3; count += 1) {
      await withToken(token, NEW, { avatar_name: 'Ann', activity_idle_timeout: 3600 });
    }
    pass(3599);
    expect(await collect(vendor.listActive())).toHaveLength(3);
    expect(simulator.heygenSessions()).toMatchObject(Array(3).fill({ token, avatarName: 'Ann', endedAt: null }));
  });
});

describe('a session', () => {
  it('is opened as the SDK needs it', async () => {
    const { vendor, withToken } = await simulateHeyGen({ maxSessionSeconds: 600 });
    const { token } = await vendor.mint(MINT);
    expect((await withToken(token, NEW, {})).body).toEqual({
      code: 100,
      data: {
        session_id: expect.any(String),
        url: 'wss://media.simulator.invalid',
        access_token: expect.any(String),
        session_duration_limit: 600,
        is_paid: true,
      },
      message: 'success',
    });
  });

  it('refuses what its state does not allow, by the vendor’s codes', async () => {
    const { vendor, withToken } = await simulateHeyGen();
    const { token } = await vendor.mint(MINT);
    const session_id = (await withToken(token, NEW)).body.data?.session_id;
    const call = async (name: string, more = {}) =>
      (await withToken(token, `/v1/streaming.${name}`, { session_id, ...more })).body.code;
    expect(await call('task', { text: 'Hello' })).toBe(10001);
    expect(await call('start')).toBe(100);
    expect(await call('start')).toBe(10003);
    expect(await call('task', { text: 'Hello' })).toBe(100);
    expect(await call('stop')).toBe(100);
    for (const name of ['start', 'stop', 'keep_alive']) expect(await call(name)).toBe(10005);
    expect(await call('stop', { session_id: 'nobody' })).toBe(10006);
  });

  it('ends after 120 idle seconds by default, and every call postpones that', async () => {
    const { vendor, simulator, withToken, pass, now } = await simulateHeyGen();
    const { token } = await vendor.mint(MINT);
    const session_id = (await withToken(token, NEW)).body.data?.session_id;
    for (const name of ['start', 'task', 'keep_alive']) {
      pass(119);
      await withToken(token, `/v1/streaming.${name}`, { session_id, text: 'Hello' });
    }
    const lastCall = now().getTime();
    pass(1000);
    expect(simulator.heygenSessions()).toMatchObject([{ endedAt: lastCall + 120_000, tasks: ['Hello'] }]);
  });

  it('ends at the account’s cap', async () => {
    const { simulator, startSession, pass, now } = await simulateHeyGen({ maxSessionSeconds: 600 });
    await startSession({ activity_idle_timeout: 3600 });
    const startedAt = now().getTime();
    pass(1000);
    expect(simulator.heygenSessions()).toMatchObject([{ endedAt: startedAt + 600_000 }]);
  });

  it.each([29, 3601, 60.5])('is not opened with an idle timeout of %d seconds', async (activity_idle_timeout) => {
    const { vendor, withToken } = await simulateHeyGen();
    const { token } = await vendor.mint(MINT);
    expect((await withToken(token, NEW, { activity_idle_timeout })).status).toBe(400);
  });

  it('costs 30 seconds at least, then by the second, from its opening', async () => {
    const { vendor, startSession, pass } = await simulateHeyGen({ credits: '10' });
    await vendor.stop(await startSession(), 'user_ended');
    expect(await vendor.balance()).toBe('9.90');
    const id = await startSession();
    pass(30.5);
    await vendor.stop(id, 'user_ended');
    expect(await vendor.balance()).toBe('9.796666');
    expect(await vendor.get(id)).toMatchObject({ durationSeconds: 31 });
  });
});

describe('the account', () => {
  it('refuses sessions past its concurrency, and admits another one once one has ended', async () => {
    const { vendor, withToken, startSession } = await simulateHeyGen({ maxConcurrency: 1 });
    const id = await startSession();
    const { token } = await vendor.mint(MINT);
    expect(await withToken(token, NEW)).toMatchObject({
      status: 400,
      body: { code: 10007, message: 'Concurrent limit reached' },
    });
    await vendor.stop(id, 'user_ended');
    expect((await withToken(token, NEW)).status).toBe(200);
  });

  it('refuses sessions that its quota does not pay for', async () => {
    const { vendor, withToken, startSession } = await simulateHeyGen({ credits: '0.15' });
    await startSession();
    const { token } = await vendor.mint(MINT);
    expect((await withToken(token, NEW)).body.message).toContain('Insufficient credit');
    expect(await vendor.balance()).toBe('0.05');
  });

  it('answers 404 to an unknown call', async () => {
    const { simulator } = await simulateHeyGen();
    expect((await fetch(`${simulator.url}/v1/streaming.dance`, { method: 'POST', headers: KEY })).status).toBe(404);
    expect((await fetch(`${simulator.url}/v1/streaming.stop`, { headers: KEY })).status).toBe(404);
  });
});
