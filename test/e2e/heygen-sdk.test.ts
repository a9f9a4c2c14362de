import { describe, expect, it } from 'vitest';
import { callHeyGenSdk, callHeyGenSdkUntilDecided, codeOf, readyHeyGenToken } from '../support/heygen-calls.ts';
import { createToken, endSession, readQuota, TRACK_START, USAGE_HISTORY } from '../support/operations.ts';
import { post } from '../support/service.ts';
import { callsTo } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

const NEW = '/v1/streaming.new';
const STEERING = ['start', 'task', 'keep_alive', 'interrupt', 'start_listening', 'stop_listening'];

describe.concurrent('streaming.new', () => {
  it('starts the session here and there at one instant, and answers the vendor’s own words', async () => {
    await using ready = await readyHeyGenToken();
    const { service, token } = ready;
    const answer = await ready.sdk('new', { avatar_name: 'Ann_Therapist_public', quality: 'high' });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        code: 100,
        data: { session_id: expect.any(String), url: expect.any(String), access_token: expect.any(String) },
        message: 'success',
      },
    });
    const request = service.simulator.requests().at(-1);
    expect(request).toMatchObject({ path: NEW, headers: { authorization: `Bearer ${token}` } });
    expect(request?.headers['x-api-key']).toBeUndefined();

    const record = await ready.readRecord();
    const [session] = service.simulator.heygenSessions();
    expect(record).toMatchObject({ status: 'ACTIVE', avatarSessionId: answer.body.data?.session_id });
    expect(session).toMatchObject({ id: record.avatarSessionId, avatarName: 'Ann_Therapist_public' });
    expect(Math.abs((session?.createdAt ?? 0) - Date.parse(record.startedAt))).toBeLessThan(1_000);
    expect((await post(service, ready.user, USAGE_HISTORY)).body.data).toMatchObject({
      usageHistory: { edges: [{ node: { avatarName: 'Ann_Therapist_public' } }] },
    });
  });

  it('opens one session per token: none beside it while it runs, and none after it', async () => {
    await using ready = await readyHeyGenToken();
    const session_id = await ready.open();
    const second = await ready.sdk('new');
    expect(codeOf(second)).toEqual([409, 409]);
    expect(second.body.message).toContain('createToken');
    await ready.sdk('stop', { session_id });
    expect(codeOf(await ready.sdk('new'))).toEqual([410, 410]);
    expect(ready.service.simulator.heygenSessions()).toHaveLength(1);
  });

  it('of twenty at once opens exactly one', async () => {
    await using ready = await readyHeyGenToken();
    await using node = await ready.service.anotherNode();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        callHeyGenSdkUntilDecided(index % 2 ? ready.service : node, 'new', ready.token),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
    expect(ready.service.simulator.heygenSessions()).toHaveLength(1);
  });

  it('shrinks the hold to the limit that the vendor names', async () => {
    await using ready = await readyHeyGenToken();
    const data = { session_id: 'short', url: 'wss://x', access_token: 'x', session_duration_limit: 600 };
    ready.service.simulator.failNext({ path: NEW, status: 200, body: { code: 100, data } });
    await ready.sdk('new');
    const record = await ready.readRecord();
    expect(Date.parse(record.expiresAt ?? '') - Date.parse(record.startedAt)).toBe(600_000);
    const { usedSeconds, heldSeconds } = await readQuota(ready.service, ready.user);
    expect(usedSeconds + heldSeconds).toBe(600);
  });

  it('never reaches the vendor with a token that is unknown, voided or not used in time', async () => {
    await using ready = await readyHeyGenToken({ TOKEN_TTL_SECONDS: '1' });
    const { service, user, record } = ready;
    expect(codeOf(await callHeyGenSdk(service, 'new', 'eyJ0b2tlbiI6IngifQ=='))).toEqual([401, 401]);
    const { token: newer } = await createToken(service, user, { sessionId: record.sessionId, avatarName: 'anna' });
    expect(codeOf(await ready.sdk('new'))).toEqual([410, 410]);
    await waitFor(async () => (await callHeyGenSdk(service, 'keep_alive', newer, {})).status === 410);
    expect(codeOf(await callHeyGenSdk(service, 'new', newer))).toEqual([410, 410]);
    expect(callsTo(service, NEW)).toEqual([]);
  });

  it('needs no trackStart beside it, and takes one', async () => {
    await using ready = await readyHeyGenToken();
    const { service, user, record } = ready;
    const avatarSessionId = await ready.open();
    const input = { sessionId: record.sessionId, avatarSessionId };
    expect((await post(service, user, TRACK_START, { input })).body.data).toMatchObject({
      trackStart: { __typename: 'TrackStartSuccess', record: { id: record.id, status: 'ACTIVE' } },
    });
    expect(await endSession(service, user, avatarSessionId)).toMatchObject({ record: { endReason: 'USER_ENDED' } });
    expect(await ready.sdk('stop', { session_id: avatarSessionId })).toMatchObject({
      status: 200,
      body: { code: 100, data: { session_id: avatarSessionId } },
    });
  });
});

describe.concurrent('calls on a session', () => {
  it('are passed on with the token, word for word, while it runs', async () => {
    await using ready = await readyHeyGenToken();
    const session_id = await ready.open();
    for (const call of STEERING) {
      const answer = await ready.sdk(call, { session_id, text: 'Hello', task_type: 'talk' });
      expect(answer).toMatchObject({ status: 200, body: { code: 100 } });
      expect(callsTo(ready.service, `/v1/streaming.${call}`)).toEqual([
        { session_id, text: 'Hello', task_type: 'talk' },
      ]);
    }
    expect(ready.service.simulator.heygenSessions()).toMatchObject([{ tasks: ['Hello'] }]);
    expect(await ready.readRecord()).toMatchObject({ status: 'ACTIVE' });
  });

  it('are for the token’s own session only', async () => {
    await using ready = await readyHeyGenToken();
    const { service } = ready;
    const session_id = await ready.open();
    const { token: other } = await createToken(service, await service.token('bob'));
    await callHeyGenSdk(service, 'new', other);
    for (const call of [...STEERING, 'stop']) {
      expect(codeOf(await callHeyGenSdk(service, call, other, { session_id }))).toEqual([403, 403]);
      const twice = `{"session_id":"${session_id}","session_id":"${session_id}x"}`;
      expect(codeOf(await ready.sdk(call, twice))).toEqual([403, 403]);
      expect(callsTo(service, `/v1/streaming.${call}`)).toEqual([]);
    }
    // of several names, what is passed on is the one that was looked at
    for (const other of ['session_id', 'Session_ID']) {
      await ready.sdk('keep_alive', `{"${other}":"x","session_id":"${session_id}"}`);
      expect(service.simulator.requests().at(-1)?.body).toBe(JSON.stringify({ session_id }));
    }
  });

  it('are refused before the session is opened and after it has ended', async () => {
    await using ready = await readyHeyGenToken();
    for (const call of [...STEERING, 'stop']) expect(codeOf(await ready.sdk(call))).toEqual([409, 409]);
    const session_id = await ready.open();
    await ready.sdk('stop', { session_id });
    for (const call of STEERING) expect(codeOf(await ready.sdk(call, { session_id }))).toEqual([410, 410]);
    for (const call of STEERING) expect(callsTo(ready.service, `/v1/streaming.${call}`)).toEqual([]);
  });
});

describe.concurrent('streaming.stop', () => {
  it('ends the session here and there at one instant', async () => {
    await using ready = await readyHeyGenToken();
    const session_id = await ready.open();
    expect(await ready.sdk('stop', { session_id })).toMatchObject({ status: 200, body: { code: 100 } });
    const record = await ready.readRecord();
    expect(record).toMatchObject({ status: 'COMPLETED', endReason: 'USER_ENDED' });
    const endedAt = ready.service.simulator.heygenSessions()[0]?.endedAt ?? 0;
    expect(Math.abs(endedAt - Date.parse(record.endedAt ?? ''))).toBeLessThan(1_000);
  });

  it('ends it here if the vendor does not answer, and repeats the stop at the vendor', async () => {
    await using ready = await readyHeyGenToken();
    const session_id = await ready.open();
    ready.service.simulator.failNext({ path: '/v1/streaming.stop', status: 503, times: 2 });
    expect((await ready.sdk('stop', { session_id })).status).toBe(503);
    expect(await ready.readRecord()).toMatchObject({ status: 'COMPLETED' });
    await waitFor(async () => ready.service.simulator.heygenSessions()[0]?.endedAt != null);
  });
});

it('pages of the configured origins may call, as the SDK does, and no others', async () => {
  await using ready = await readyHeyGenToken({ CORS_ORIGINS: 'https://app.example.com' });
  const ask = (method: string, origin: string) =>
    fetch(`${ready.service.url}/heygen/v1/streaming.new`, {
      method,
      headers: { origin, 'access-control-request-method': 'POST', authorization: `Bearer ${ready.token}` },
    });
  const preflight = await ask('OPTIONS', 'https://app.example.com');
  expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
  expect(preflight.headers.get('access-control-allow-headers')).toMatch(/authorization, ?content-type/);
  expect((await ask('OPTIONS', 'https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
  const answer = await ask('POST', 'https://app.example.com');
  expect(answer.status).toBe(200);
  expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
});

it('the path of another vendor’s SDK is not there', async () => {
  await using ready = await readyHeyGenToken();
  expect((await fetch(`${ready.service.url}/liveavatar/v1/sessions/start`, { method: 'POST' })).status).toBe(404);
});
