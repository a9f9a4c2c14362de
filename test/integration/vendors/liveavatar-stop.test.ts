import { describe, expect, it } from 'vitest';
import { API_KEY, failureOf, simulate } from './simulated-vendor.ts';

describe('a stop', () => {
  it('is a POST that names the session and a reason that the vendor knows', async () => {
    const { vendor, simulator, startSession } = await simulate();
    const id = await startSession();
    await vendor.stop(id, 'deadline_reached');

    const request = simulator.requests().at(-1);
    expect(request).toMatchObject({ method: 'POST', path: '/v1/sessions/stop', headers: { 'x-api-key': API_KEY } });
    expect(JSON.parse(request?.body ?? '')).toEqual({ session_id: id, reason: 'MAX_DURATION_REACHED' });
    expect(simulator.sessions()[0]).toMatchObject({ endReason: 'MAX_DURATION_REACHED' });
  });

  it('ends the session now and bills the minutes begun', async () => {
    const { vendor, startSession, pass, now } = await simulate({ credits: '100' });
    const id = await startSession();
    pass(61);
    await vendor.stop(id, 'user_ended');
    const endedAt = now();
    pass(3600);
    expect(await vendor.get(id)).toMatchObject({
      active: false,
      endedAt,
      durationSeconds: 61,
      creditsConsumed: '4',
      endReason: 'USER_CLOSED',
    });
    expect(await vendor.balance()).toBe('96.00');
  });

  it('succeeds again on an ended session, and leaves its first end as it was', async () => {
    const { vendor, simulator, startSession, pass } = await simulate();
    const id = await startSession();
    await vendor.stop(id, 'user_ended');
    const first = simulator.sessions();
    pass(30);
    await vendor.stop(id, 'deadline_reached');
    expect(simulator.sessions()).toEqual(first);
  });

  it('succeeds on a session that never ran', async () => {
    const { vendor } = await simulate();
    const { avatarSessionId } = await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 60 });
    await expect(vendor.stop(avatarSessionId ?? '', 'token_expired')).resolves.toBe('unknown');
    await expect(vendor.stop('99999999-9999-4999-8999-999999999999', 'admin_ended')).resolves.toBe('unknown');
  });

  it('does not take "not found" for an end while the vendor lists the session as running', async () => {
    const { vendor, simulator, startSession } = await simulate();
    const id = await startSession();
    simulator.failNext({ path: '/v1/sessions/stop', status: 404, body: { detail: 'Not Found' } });
    const failure = await failureOf(vendor.stop(id, 'user_ended'));
    expect(failure.kind).toBe('unknown');
    expect(failure.message).toContain('yet it runs');
  });

  it('fails when the vendor cannot be asked whether the session runs', async () => {
    const { vendor, simulator, startSession } = await simulate();
    const id = await startSession();
    simulator.failNext({ path: '/v1/sessions/stop', status: 404, body: { message: 'Session not found' } });
    simulator.failNext({ path: `/v1/sessions/${id}`, status: 503 });
    expect((await failureOf(vendor.stop(id, 'user_ended'))).kind).toBe('unavailable');
  });

  it('whose answer is lost fails, and succeeds when it is repeated', async () => {
    const { vendor, simulator, startSession } = await simulate();
    const id = await startSession();
    simulator.failNext({ path: '/v1/sessions/stop', closeMidAnswer: true });
    expect((await failureOf(vendor.stop(id, 'user_ended'))).kind).toBe('unavailable');
    expect(simulator.sessions()[0]?.endReason).toBe('USER_CLOSED');
    await expect(vendor.stop(id, 'user_ended')).resolves.toBe('stopped');
  });

  it.each([{ code: 100, data: null, message: 'Success' }, { code: 1000, data: {} }, { data: true }])(
    'takes %j for a confirmation',
    async (body) => {
      const { vendor, simulator } = await simulate();
      simulator.failNext({ path: '/v1/sessions/stop', status: 200, body });
      await expect(vendor.stop('99999999-9999-4999-8999-999999999999', 'user_ended')).resolves.toBe('stopped');
    },
  );

  it.each([
    ['unknown', { code: 5000, data: null, message: 'Busy' }],
    ['unavailable', {}],
    ['unavailable', '<html>Welcome</html>'],
  ])('is %s, and not confirmed, by a 200 with %j', async (kind, body) => {
    const { vendor, simulator } = await simulate();
    simulator.failNext({ path: '/v1/sessions/stop', status: 200, body });
    expect((await failureOf(vendor.stop('99999999-9999-4999-8999-999999999999', 'user_ended'))).kind).toBe(kind);
  });
});

describe('a keep-alive', () => {
  it('names the session and puts off its idle end', async () => {
    const { vendor, simulator, startSession, pass } = await simulate();
    const id = await startSession();
    pass(299);
    await vendor.keepAlive(id);
    expect(JSON.parse(simulator.requests().at(-1)?.body ?? '')).toEqual({ session_id: id });
    pass(299);
    expect((await vendor.get(id)).active).toBe(true);
    pass(1);
    expect((await vendor.get(id)).active).toBe(false);
  });

  it('fails as gone for an ended session', async () => {
    const { vendor, startSession } = await simulate();
    const id = await startSession();
    await vendor.stop(id, 'user_ended');
    expect((await failureOf(vendor.keepAlive(id))).kind).toBe('gone');
  });
});
