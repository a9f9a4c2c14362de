import { describe, expect, it } from 'vitest';
import { forgedTokens, PROXY } from '../support/delivery.ts';
import { callHeyGenSdk, callHeyGenSdkUntilDecided, codeOf, readyHeyGenToken } from '../support/heygen-calls.ts';
import { createToken, QUOTA, TRACK_START } from '../support/operations.ts';
import { post, type TestService } from '../support/service.ts';
import { VENDOR_KEY } from '../support/settings.ts';
import { callsTo } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

// TOKEN_DELIVERY=proxy with HeyGen, whose token would open any number of sessions: it stays in the service.

const MINT = '/v1/streaming.create_token';
const NEW = '/v1/streaming.new';

describe('a token', () => {
  it('that is superseded returns its hold at once, and never reaches the vendor', async () => {
    await using ready = await readyHeyGenToken(PROXY);
    const { service, user, record } = ready;
    await createToken(service, user, { sessionId: record.sessionId, avatarName: 'anna' });
    expect((await post(service, user, QUOTA)).body.data).toMatchObject({
      quota: { usedSeconds: 0, heldSeconds: 1800 },
    });
    expect(codeOf(await ready.sdk('new'))).toEqual([410, 410]);
    expect(streamingCalls(service)).toEqual([]);
  });

  it('that has expired opens nothing', async () => {
    await using ready = await readyHeyGenToken({ ...PROXY, TOKEN_TTL_SECONDS: '1' });
    await waitFor(async () => (await ready.sdk('keep_alive')).status === 410);
    expect(codeOf(await ready.sdk('new'))).toEqual([410, 410]);
    expect(streamingCalls(ready.service)).toEqual([]);
  });

  it('that was tampered with, or that another deployment signed, is unknown', async () => {
    await using ready = await readyHeyGenToken(PROXY);
    for (const forged of await forgedTokens(ready.token)) {
      for (const call of ['new', 'task', 'stop']) {
        expect(codeOf(await callHeyGenSdk(ready.service, call, forged))).toEqual([401, 401]);
      }
    }
    expect(streamingCalls(ready.service)).toEqual([]);
  });
});

describe('a session', () => {
  it('is opened by a token that the vendor mints at that moment, and steered by the account’s key', async () => {
    await using ready = await readyHeyGenToken(PROXY);
    const { service, token } = ready;
    expect(streamingCalls(service)).toEqual([]);
    const opened = await ready.sdk('new', { avatar_name: 'Ann_Therapist_public' });
    const session_id = String(opened.body.data?.session_id);
    for (const call of ['start', 'keep_alive', 'interrupt']) {
      expect(await ready.sdk(call, { session_id })).toMatchObject({ status: 200, body: { code: 100 } });
    }
    const said = await ready.sdk('task', { session_id, text: 'Hello', task_type: 'talk' });
    expect(said).toMatchObject({ status: 200, body: { code: 100, data: { task_id: expect.any(String) } } });
    expect(await ready.readRecord()).toMatchObject({ status: 'ACTIVE', avatarSessionId: session_id });
    expect(await ready.sdk('stop', { session_id })).toMatchObject({ status: 200, body: { code: 100 } });
    expect(await ready.readRecord()).toMatchObject({ status: 'COMPLETED', endReason: 'USER_ENDED' });
    expect(service.simulator.heygenSessions()).toMatchObject([
      { id: session_id, avatarName: 'Ann_Therapist_public', tasks: ['Hello'], endedAt: expect.any(Number) },
    ]);

    const [mint, start, ...others] = streamingCalls(service);
    expect([mint?.path, start?.path]).toEqual([MINT, NEW]);
    const vendorToken = start?.headers.authorization?.slice('Bearer '.length) ?? '';
    expect(vendorToken).not.toBe(token);
    expect(JSON.stringify([opened, said])).not.toContain(vendorToken);
    for (const { headers, body } of others) {
      expect([headers['x-api-key'], headers.authorization]).toEqual([VENDOR_KEY, undefined]);
      expect(JSON.parse(body)).toMatchObject({ session_id });
    }
  });

  it('is opened once, however many times its token is used at once on two nodes', async () => {
    await using ready = await readyHeyGenToken(PROXY);
    await using node = await ready.service.anotherNode();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        callHeyGenSdkUntilDecided(index % 2 ? ready.service : node, 'new', ready.token),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(409)]);
    expect(ready.service.simulator.heygenSessions()).toHaveLength(1);
  });

  it('is out of reach for the token of another, whichever session that names', async () => {
    await using ready = await readyHeyGenToken(PROXY);
    const { service } = ready;
    const session_id = await ready.open();
    const bob = await service.token('bob');
    const { token: other, record } = await createToken(service, bob);
    const input = { sessionId: record.sessionId, avatarSessionId: 'a-session-of-another-deployment' };
    expect((await post(service, bob, TRACK_START, { input })).body.data).toMatchObject({
      trackStart: { code: 'SESSION_NOT_FOUND' },
    });
    await callHeyGenSdk(service, 'new', other);
    for (const named of [session_id, input.avatarSessionId]) {
      for (const call of ['task', 'keep_alive', 'stop']) {
        expect(codeOf(await callHeyGenSdk(service, call, other, { session_id: named }))).toEqual([403, 403]);
      }
    }
  });
});

describe('a vendor', () => {
  it.each([
    [MINT, 502, 'The avatar service is not responding.'],
    [NEW, 500, 'nothing is charged'],
  ])('that fails %s opens nothing, and nothing is charged', async (path, status, words) => {
    await using ready = await readyHeyGenToken(PROXY);
    const { service, user } = ready;
    service.simulator.failNext({ path, status: 500 });
    const answer = await ready.sdk('new');
    expect(answer).toMatchObject({ status, body: { code: status, message: expect.stringContaining(words) } });
    expect(await ready.readRecord()).toMatchObject({ status: 'ERROR', endReason: 'VENDOR_ERROR', durationSeconds: 0 });
    expect((await post(service, user, QUOTA)).body.data).toMatchObject({ quota: { usedSeconds: 0, heldSeconds: 0 } });
    expect(codeOf(await ready.sdk('new'))).toEqual([410, 410]);
    expect(service.simulator.heygenSessions()).toEqual([]);
  });

  it('that opens a session which has ended here is asked to stop it', async () => {
    await using ready = await readyHeyGenToken(PROXY);
    const { service, user, record } = ready;
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    service.simulator.failNext({ path: NEW, until });
    const opening = ready.sdk('new');
    await waitFor(async () => callsTo(service, NEW).length > 0);
    await createToken(service, user, { sessionId: record.sessionId, avatarName: 'anna' });
    release();
    expect(codeOf(await opening)).toEqual([410, 410]);
    await waitFor(async () => service.simulator.heygenSessions()[0]?.endedAt != null);
  });
});

/** The calls about sessions that have reached the vendor. */
function streamingCalls({ simulator }: TestService) {
  return simulator.requests().filter(({ path }) => path.startsWith('/v1/streaming.') && path !== '/v1/streaming.list');
}
