import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { API_KEY, failureOf, simulate } from './simulated-vendor.ts';

const AVATARS = {
  Ann: {
    avatarId: '11111111-1111-4111-8111-111111111111',
    voiceId: '22222222-2222-4222-8222-222222222222',
    contextId: '33333333-3333-4333-8333-333333333333',
    language: 'de',
  },
  Bob: { avatarId: '44444444-4444-4444-8444-444444444444', mode: 'LITE' as const },
  Eve: { avatarId: 'dd73ea75-1218-4ef3-92ce-606d5f7fbc0a', sandbox: true },
};

describe('a mint', () => {
  it('sends the grant as the cap, and the avatar as FULL mode wants it', async () => {
    const { vendor, simulator } = await simulate({}, { avatars: AVATARS });
    await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 754 });

    const [request] = simulator.requests();
    expect(request).toMatchObject({
      method: 'POST',
      path: '/v1/sessions/token',
      query: {},
      headers: { 'x-api-key': API_KEY, 'content-type': 'application/json', accept: 'application/json' },
    });
    expect(request?.headers.authorization).toBeUndefined();
    expect(JSON.parse(request?.body ?? '')).toEqual({
      mode: 'FULL',
      avatar_id: '11111111-1111-4111-8111-111111111111',
      max_session_duration: 754,
      avatar_persona: {
        voice_id: '22222222-2222-4222-8222-222222222222',
        context_id: '33333333-3333-4333-8333-333333333333',
        language: 'de',
      },
    });
  });

  it('sends neither persona nor voice agent in LITE mode', async () => {
    const { vendor, simulator } = await simulate({}, { avatars: AVATARS });
    await vendor.mint({ avatarName: 'Bob', maxSessionSeconds: 60 });
    expect(JSON.parse(simulator.requests()[0]?.body ?? '')).toEqual({
      mode: 'LITE',
      avatar_id: '44444444-4444-4444-8444-444444444444',
      max_session_duration: 60,
    });
  });

  it('asks for a sandbox session where the avatar is for the sandbox', async () => {
    const { vendor, simulator } = await simulate({}, { avatars: AVATARS });
    await vendor.mint({ avatarName: 'Eve', maxSessionSeconds: 600 });
    expect(JSON.parse(simulator.requests()[0]?.body ?? '')).toEqual({
      mode: 'FULL',
      avatar_id: 'dd73ea75-1218-4ef3-92ce-606d5f7fbc0a',
      max_session_duration: 600,
      is_sandbox: true,
      avatar_persona: { language: 'en' },
    });
  });

  it('rounds a grant of part seconds down', async () => {
    const { vendor, simulator } = await simulate();
    await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 59.9 });
    expect(simulator.sessions()[0]?.requestedCapSeconds).toBe(59);
  });

  it('gives the session id and a token that opens this session', async () => {
    const { vendor, simulator, withToken } = await simulate();
    const minted = await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 600 });
    expect(minted.avatarSessionId).toBe(simulator.sessions()[0]?.id);
    expect(decodeJwt(minted.token).start_session_data).toEqual({ mode: 'FULL' });
    expect(await withToken(minted.token, '/v1/sessions/start')).toMatchObject({
      status: 201,
      body: { data: { session_id: minted.avatarSessionId, max_session_duration: 600 } },
    });
  });

  it('keeps the path of a base URL', async () => {
    const { vendor, simulator } = await simulate();
    const { vendor: proxied } = await simulate({}, { baseUrl: `${simulator.url}/proxy/` });
    await failureOf(proxied.mint({ avatarName: 'Ann', maxSessionSeconds: 60 }));
    await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 60 });
    expect(simulator.requests().map(({ path }) => path)).toEqual(['/proxy/v1/sessions/token', '/v1/sessions/token']);
  });
});

describe('avatar names', () => {
  it('are those of the deployment', async () => {
    const { vendor, simulator } = await simulate({}, { avatars: AVATARS });
    expect(vendor.avatarNames).toEqual(['Ann', 'Bob', 'Eve']);
    expect(vendor.knowsAvatar('Ann')).toBe(true);
    expect(vendor.knowsAvatar('constructor')).toBe(false);
    const failure = await failureOf(vendor.mint({ avatarName: 'Zoe', maxSessionSeconds: 60 }));
    expect(failure.kind).toBe('invalid');
    expect(simulator.requests()).toHaveLength(0);
  });

  it('are any where the deployment has none, and all show the sandbox avatar at full price', async () => {
    const { vendor, simulator } = await simulate();
    expect(vendor.avatarNames).toEqual([]);
    expect(vendor.knowsAvatar('Zoe')).toBe(true);
    await vendor.mint({ avatarName: 'Zoe', maxSessionSeconds: 60 });
    expect(simulator.sessions()[0]).toMatchObject({
      avatarId: 'dd73ea75-1218-4ef3-92ce-606d5f7fbc0a',
      isSandbox: false,
      mode: 'FULL',
    });
  });
});
