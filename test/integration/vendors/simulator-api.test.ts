import { describe, expect, it } from 'vitest';
import { API_KEY, simulate } from './simulated-vendor.ts';

const KEY = { 'x-api-key': API_KEY };
const UNKNOWN_ID = '99999999-9999-4999-8999-999999999999';

describe('credentials', () => {
  it.each([
    ['POST', '/v1/sessions/token'],
    ['GET', '/v1/sessions?type=active'],
    ['GET', '/v1/sessions/some-id'],
    ['GET', '/v1/users/credits'],
  ])('%s %s takes the key only', async (method, path) => {
    const { vendor, simulator } = await simulate();
    const { token } = await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 60 });
    const status = async (headers: Record<string, string>) =>
      (await fetch(`${simulator.url}${path}`, { method, headers })).status;
    expect(await status({})).toBe(401);
    expect(await status({ 'x-api-key': 'another' })).toBe(401);
    expect(await status({ authorization: `Bearer ${token}` })).toBe(401);
    expect(await status(KEY)).not.toBe(401);
  });

  it('a start takes the session token only', async () => {
    const { vendor, simulator, withToken } = await simulate();
    const { token } = await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 60 });
    const withKey = await fetch(`${simulator.url}/v1/sessions/start`, { method: 'POST', headers: KEY });
    expect(withKey.status).toBe(401);
    expect((await withToken(`${token}x`, '/v1/sessions/start')).status).toBe(401);
    expect((await withToken(token, '/v1/sessions/start')).status).toBe(201);
  });

  it('a token keeps alive and stops its own session without naming it, and no other', async () => {
    const { vendor, simulator, withToken, startSession } = await simulate();
    const other = await startSession();
    const { token } = await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 60 });
    await withToken(token, '/v1/sessions/start');
    expect((await withToken(token, '/v1/sessions/stop', { session_id: other })).status).toBe(403);
    expect((await withToken(token, '/v1/sessions/keep-alive')).status).toBe(200);
    expect((await withToken(token, '/v1/sessions/stop')).status).toBe(200);
    expect(simulator.sessions().map(({ endReason }) => endReason)).toEqual([null, 'UNKNOWN']);
  });

  it('any key is let in where none is configured', async () => {
    const { vendor } = await simulate({ apiKey: undefined });
    await expect(vendor.balance()).resolves.toBe('1000000.00');
  });
});

describe('a start', () => {
  it('answers as the SDK needs it, without a media server', async () => {
    const { vendor, withToken } = await simulate();
    const { token, avatarSessionId } = await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 60 });
    expect((await withToken(token, '/v1/sessions/start')).body).toEqual({
      code: 1000,
      data: { session_id: avatarSessionId, max_session_duration: 60 },
      message: 'Success',
    });
  });

  it('happens once', async () => {
    const { vendor, withToken } = await simulate();
    const { token } = await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 60 });
    await withToken(token, '/v1/sessions/start');
    expect((await withToken(token, '/v1/sessions/start')).status).toBe(400);
    await withToken(token, '/v1/sessions/stop');
    expect((await withToken(token, '/v1/sessions/start')).status).toBe(404);
  });
});

describe('validation', () => {
  const avatar_id = 'dd73ea75-1218-4ef3-92ce-606d5f7fbc0a';
  const avatar_persona = { language: 'en' };

  it.each([
    ['no avatar', { mode: 'FULL', avatar_persona }, ['body', 'avatar_id']],
    ['no mode', { avatar_id, avatar_persona }, ['body', 'mode']],
    ['FULL without persona or agent', { mode: 'FULL', avatar_id }, ['body']],
    ['FULL with both', { mode: 'FULL', avatar_id, avatar_persona, voice_agent: {} }, ['body']],
    [
      'a persona without language',
      { mode: 'FULL', avatar_id, avatar_persona: {} },
      ['body', 'avatar_persona', 'language'],
    ],
    ['a cap of no seconds', { mode: 'LITE', avatar_id, max_session_duration: 0 }, ['body', 'max_session_duration']],
  ])('of a mint refuses %s', async (_, body, loc) => {
    const { simulator } = await simulate();
    const response = await fetch(`${simulator.url}/v1/sessions/token`, {
      method: 'POST',
      headers: KEY,
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({ detail: [{ loc, msg: expect.any(String), type: expect.any(String) }] });
    expect(simulator.sessions()).toEqual([]);
  });

  it('of a mint takes a voice agent in place of the persona', async () => {
    const { simulator } = await simulate();
    const body = JSON.stringify({ mode: 'FULL', avatar_id, voice_agent: { id: 'x' } });
    const response = await fetch(`${simulator.url}/v1/sessions/token`, { method: 'POST', headers: KEY, body });
    expect(response.status).toBe(200);
  });

  it.each(['', '?type=all', '?type=active&page_size=101', '?type=active&page=0'])(
    'of a list refuses "%s"',
    async (query) => {
      const { simulator } = await simulate();
      expect((await fetch(`${simulator.url}/v1/sessions${query}`, { headers: KEY })).status).toBe(422);
    },
  );

  it('of a stop by key wants a session and a known reason, and of any body wants JSON', async () => {
    const { simulator, startSession } = await simulate();
    const id = await startSession();
    for (const body of ['{}', JSON.stringify({ session_id: id, reason: 'deadline_reached' }), '{']) {
      const response = await fetch(`${simulator.url}/v1/sessions/stop`, { method: 'POST', headers: KEY, body });
      expect(response.status).toBe(422);
    }
    expect(simulator.sessions()[0]?.endedAt).toBeNull();
  });
});

describe('the wrong verb', () => {
  it('answers 405 to DELETE and leaves the session running', async () => {
    const { vendor, simulator, startSession } = await simulate();
    const id = await startSession();
    const response = await fetch(`${simulator.url}/v1/sessions/${id}`, { method: 'DELETE', headers: KEY });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET');
    expect((await vendor.get(id)).active).toBe(true);
  });

  it('answers 404 to an unknown path', async () => {
    const { simulator } = await simulate();
    expect((await fetch(`${simulator.url}/v2/sessions`, { headers: KEY })).status).toBe(404);
  });
});

describe('a stop of an ended session', () => {
  it('answers that it is not found', async () => {
    const { simulator } = await simulate();
    const body = JSON.stringify({ session_id: UNKNOWN_ID });
    const response = await fetch(`${simulator.url}/v1/sessions/stop`, { method: 'POST', headers: KEY, body });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ code: 4004, data: null, message: 'Session not found' });
  });
});

describe('a page in the browser', () => {
  const origin = 'http://localhost:3000';
  const ask = (url: string, from: string) =>
    fetch(`${url}/v1/sessions/start`, {
      method: 'OPTIONS',
      headers: { origin: from, 'access-control-request-method': 'POST' },
    });

  it('of an allowed origin may call with credentials', async () => {
    const { simulator } = await simulate({ allowedOrigins: [origin] });
    const preflight = await ask(simulator.url, origin);
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
    expect(preflight.headers.get('access-control-allow-credentials')).toBe('true');
    expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization');
    const refused = await fetch(`${simulator.url}/v1/sessions/start`, { method: 'POST', headers: { origin } });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('access-control-allow-origin')).toBe(origin);
  });

  it('of any other origin may not', async () => {
    const { simulator } = await simulate({ allowedOrigins: [origin] });
    const preflight = await ask(simulator.url, 'http://localhost:4000');
    expect(preflight.status).toBe(400);
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
  });
});
