import { describe, expect, it } from 'vitest';
import { collect, failureOf, OPENING, simulate } from './simulated-vendor.ts';

const at = (seconds: number) => new Date(OPENING.getTime() + seconds * 1000);

describe('the cap', () => {
  it('ends a session at the very second, however late it is read', async () => {
    const { vendor, startSession, pass } = await simulate();
    const id = await startSession(90);
    pass(89);
    expect((await vendor.get(id)).active).toBe(true);
    pass(1000);
    expect(await vendor.get(id)).toEqual({
      avatarSessionId: id,
      active: false,
      createdAt: OPENING,
      endedAt: at(90),
      durationSeconds: 90,
      creditsConsumed: '4',
      endReason: 'MAX_DURATION_REACHED',
      mode: 'FULL',
      source: 'API',
    });
    expect(await collect(vendor.listActive())).toEqual([]);
    expect(await collect(vendor.listEnded(OPENING))).toHaveLength(1);
  });

  it('counts from the start and not from the mint', async () => {
    const { vendor, withToken, pass } = await simulate();
    const { token, avatarSessionId } = await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 90 });
    pass(3600);
    await withToken(token, '/v1/sessions/start');
    pass(89);
    expect(await vendor.get(avatarSessionId ?? '')).toMatchObject({ active: true, durationSeconds: 89 });
  });

  it('is lowered to that of the tier, and the start says so', async () => {
    const { vendor, simulator, withToken, pass } = await simulate({ maxSessionSeconds: 300 });
    const { token, avatarSessionId } = await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 1200 });
    const started = await withToken(token, '/v1/sessions/start');
    expect(started.body.data).toEqual({ session_id: avatarSessionId, max_session_duration: 300 });
    pass(300);
    expect(simulator.sessions()[0]).toMatchObject({
      requestedCapSeconds: 1200,
      capSeconds: 300,
      endedAt: at(300).getTime(),
      endReason: 'MAX_DURATION_REACHED',
    });
  });
});

describe('a client', () => {
  it('without keep-alive is idle after five minutes', async () => {
    const { vendor, startSession, pass } = await simulate();
    const id = await startSession();
    pass(4000);
    expect(await vendor.get(id)).toMatchObject({ endedAt: at(300), endReason: 'IDLE_TIMEOUT', creditsConsumed: '10' });
  });

  it('that vanished is reaped after three and a half', async () => {
    const { vendor, simulator, startSession, pass } = await simulate();
    const id = await startSession();
    pass(10);
    simulator.vanish(id);
    pass(4000);
    expect(await vendor.get(id)).toMatchObject({ endedAt: at(220), endReason: 'ZOMBIE_SESSION_REAP' });
  });

  it('in the sandbox pays nothing and is out after a minute', async () => {
    const avatars = { Ann: { avatarId: 'dd73ea75-1218-4ef3-92ce-606d5f7fbc0a', sandbox: true } };
    const { vendor, startSession, pass } = await simulate({ credits: '0' }, { avatars });
    const id = await startSession();
    pass(100);
    expect(await vendor.get(id)).toMatchObject({ endedAt: at(60), creditsConsumed: '0' });
    expect(await vendor.balance()).toBe('0.00');
  });
});

describe('concurrency', () => {
  it('is refused at the start with 403 and code 4003, and free again after a stop', async () => {
    const { vendor, withToken, startSession } = await simulate({ maxConcurrency: 1 });
    const running = await startSession();
    const { token } = await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 60 });
    expect(await withToken(token, '/v1/sessions/start')).toEqual({
      status: 403,
      body: { code: 4003, data: null, message: 'Session concurrency limit reached' },
    });
    await vendor.stop(running, 'user_ended');
    expect((await withToken(token, '/v1/sessions/start')).status).toBe(201);
  });

  it('is free again when a session has run out', async () => {
    const { startSession, pass } = await simulate({ maxConcurrency: 1 });
    await startSession(60);
    pass(60);
    await expect(startSession()).resolves.toBeTypeOf('string');
  });
});

describe('credits', () => {
  it('of less than a minute refuse the start, and the token costs nothing', async () => {
    const { vendor, withToken } = await simulate({ credits: '1.5' });
    const { token } = await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 60 });
    expect(await withToken(token, '/v1/sessions/start')).toMatchObject({
      status: 402,
      body: { message: 'Insufficient credits' },
    });
    expect(await vendor.balance()).toBe('1.50');
  });

  it('end the session at the minute that they do not pay', async () => {
    const { vendor, startSession, pass } = await simulate({ credits: '5' });
    const id = await startSession();
    pass(119);
    expect((await vendor.get(id)).active).toBe(true);
    pass(1000);
    expect(await vendor.get(id)).toMatchObject({ endedAt: at(120), endReason: 'NO_CREDITS', creditsConsumed: '4' });
    expect(await vendor.balance()).toBe('1.00');
  });

  it('go at half the speed in LITE mode', async () => {
    const { vendor, startSession, pass } = await simulate({ credits: '100' }, { mode: 'LITE' });
    await startSession();
    pass(180);
    expect(await vendor.balance()).toBe('97.00');
  });
});

describe('the rate limit', () => {
  it('counts each endpoint by the second', async () => {
    const { vendor, pass } = await simulate({ rateLimitPerSecond: 2 });
    await vendor.balance();
    await vendor.balance();
    expect(await failureOf(vendor.balance())).toMatchObject({ kind: 'rate_limited', retryAfterSeconds: 1 });
    await collect(vendor.listActive());
    pass(1);
    await expect(vendor.balance()).resolves.toBeTypeOf('string');
  });
});

describe('closing', () => {
  it('ends calls that were left hanging and frees the port', async () => {
    const { vendor, simulator } = await simulate();
    simulator.failNext({ path: '/v1/users/credits', hang: true });
    const hanging = failureOf(vendor.balance());
    while (simulator.requests().length === 0) await new Promise(setImmediate);
    await simulator.close();
    expect((await hanging).kind).toBe('unavailable');
    const { simulator: next } = await simulate({ port: Number(new URL(simulator.url).port) });
    expect(next.url).toBe(simulator.url);
  });
});
