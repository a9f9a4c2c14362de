import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { createTestClock } from '../support/clock.ts';
import { forgedTokens, PROXY } from '../support/delivery.ts';
import { createToken, endSession, QUOTA, readRecord, TRACK_START } from '../support/operations.ts';
import { cutOff } from '../support/outage.ts';
import { callSdk, SDK_CALLS } from '../support/sdk-calls.ts';
import { post, startTestService, type TestService } from '../support/service.ts';
import { VENDOR_KEY } from '../support/settings.ts';
import { callsTo, KEEP_ALIVE, MINT, START, STOP } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

// TOKEN_DELIVERY=proxy with LiveAvatar: the SDK has a token of this service, and the vendor's token stays here.

const SESSION_CALLS = [MINT, START, KEEP_ALIVE, STOP];

describe('a token', () => {
  it('is a JWT that the vendor’s SDK can decode, and the vendor has not been asked for one', async () => {
    await using test = await tokenOf();
    const { service, token, record } = test;
    expect(decodeJwt(token)).toEqual({
      jti: expect.any(String),
      exp: Date.parse(record.expiresAt ?? '') / 1000,
      start_session_data: { mode: 'FULL' },
    });
    expect(record).toMatchObject({ status: 'RESERVED', avatarSessionId: null });
    expect(sessionCalls(service)).toEqual([]);
  });

  it('that is superseded returns its hold at once, and never reaches the vendor', async () => {
    await using test = await tokenOf();
    const { service, user, token, record } = test;
    await createToken(service, user, { sessionId: record.sessionId, avatarName: 'anna' });
    expect(await test.quota()).toMatchObject({ usedSeconds: 0, heldSeconds: 1800 });
    expect(await callSdk(service, 'start', token)).toMatchObject({
      status: 410,
      body: { code: 410, data: null, message: expect.stringContaining('Ask for a new token with createToken.') },
    });
    // As the SDK does after a start that failed.
    expect(await callSdk(service, 'stop', token)).toMatchObject({ status: 200, body: { code: 1000 } });
    expect(sessionCalls(service)).toEqual([]);
  });

  it('that has expired starts nothing', async () => {
    await using test = await tokenOf();
    const { service, clock, token } = test;
    clock.advance(300);
    for (const call of ['start', 'keep-alive'] as const) {
      expect((await callSdk(service, call, token)).status).toBe(410);
    }
    expect(sessionCalls(service)).toEqual([]);
  });

  it('that is stopped before it has started ends, and returns its hold', async () => {
    await using test = await tokenOf();
    const { service, token } = test;
    expect(await callSdk(service, 'keep-alive', token)).toMatchObject({ status: 409 });
    expect(await callSdk(service, 'stop', token)).toMatchObject({ status: 200, body: { code: 1000 } });
    expect(await test.readRecord()).toMatchObject({ status: 'EXPIRED', endReason: 'USER_ENDED' });
    expect(await test.quota()).toMatchObject({ usedSeconds: 0, heldSeconds: 0 });
    expect((await callSdk(service, 'start', token)).status).toBe(410);
    expect(sessionCalls(service)).toEqual([]);
  });

  it('that was tampered with, or that another deployment signed, is unknown', async () => {
    await using test = await tokenOf();
    for (const forged of await forgedTokens(test.token)) {
      for (const call of SDK_CALLS) {
        expect(await callSdk(test.service, call, forged)).toMatchObject({
          status: 401,
          body: { code: 401, data: null },
        });
      }
    }
    expect(await test.readRecord()).toMatchObject({ status: 'RESERVED' });
    expect(sessionCalls(test.service)).toEqual([]);
  });

  it('is no JWT of a user', async () => {
    await using test = await tokenOf();
    expect((await post(test.service, test.token, QUOTA)).status).toBe(401);
  });
});

describe('a session', () => {
  it('starts, is kept alive, and stops by the service’s token; the vendor’s own token never leaves the service', async () => {
    await using test = await tokenOf();
    const { service, clock, token } = test;
    clock.advance(20);
    const started = await callSdk(service, 'start', token);
    const { avatarSessionId, ...record } = await test.readRecord();
    expect(started).toMatchObject({
      status: 201,
      body: { code: 1000, data: { session_id: avatarSessionId, max_session_duration: 1800 } },
    });
    expect(record).toMatchObject({ status: 'ACTIVE', startedAt: '2026-11-10T12:00:20.000Z' });
    clock.advance(30);
    const alive = await callSdk(service, 'keep-alive', token);
    clock.advance(12);
    const stopped = await callSdk(service, 'stop', token, { reason: 'USER_CLOSED' });
    expect([alive, stopped]).toMatchObject([
      { status: 200, body: { code: 1000, data: { session_id: avatarSessionId } } },
      { status: 200, body: { code: 1000, data: { session_id: avatarSessionId } } },
    ]);
    expect(await test.readRecord()).toMatchObject({
      status: 'COMPLETED',
      endReason: 'USER_ENDED',
      durationSeconds: 42,
    });
    expect(service.simulator.sessions()).toMatchObject([{ id: avatarSessionId, endReason: 'USER_CLOSED' }]);

    expect(callsTo(service, MINT)).toMatchObject([{ max_session_duration: 1800 }]);
    expect(callsTo(service, KEEP_ALIVE)).toEqual([{ session_id: avatarSessionId }]);
    expect(callsTo(service, STOP)).toContainEqual({ session_id: avatarSessionId, reason: 'USER_CLOSED' });
    const [start, ...others] = sessionCalls(service).filter(({ path }) => path !== MINT);
    expect(start?.path).toBe(START);
    const vendorToken = start?.headers.authorization?.slice('Bearer '.length) ?? '';
    expect(vendorToken).not.toBe(token);
    for (const { headers } of others)
      expect([headers['x-api-key'], headers.authorization]).toEqual([VENDOR_KEY, undefined]);
    expect(JSON.stringify([started, alive, stopped])).not.toContain(vendorToken);
  });

  it('is started once, however many times its token is used at once on two nodes', async () => {
    await using test = await tokenOf();
    await using node = await test.service.anotherNode();
    const nodes = [test.service, node];
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => callSdk(nodes[index % 2] ?? node, 'start', test.token)),
    );
    const statuses = answers.map(({ status }) => status).filter((status) => status !== 503);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(statuses.length - 1);
    expect(test.service.simulator.sessions().filter(({ startedAt }) => startedAt !== null)).toHaveLength(1);
  });

  it('asks the vendor for one token, however long that takes', async () => {
    await using test = await tokenOf();
    const { service, token } = test;
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    service.simulator.failNext({ path: MINT, until });
    const first = callSdk(service, 'start', token);
    await waitFor(async () => callsTo(service, MINT).length > 0);
    expect(await callSdk(service, 'start', token)).toMatchObject({ status: 409, body: { code: 409, data: null } });
    release();
    expect((await first).status).toBe(201);
    expect((await callSdk(service, 'start', token)).status).toBe(409);
    expect(callsTo(service, MINT)).toHaveLength(1);
  });

  it('is started by the SDK alone: trackStart finds it afterwards, and names none before', async () => {
    await using test = await tokenOf();
    const { service, user, clock, token, record } = test;
    const trackStart = (avatarSessionId: string) =>
      post(service, user, TRACK_START, { input: { sessionId: record.sessionId, avatarSessionId } });
    expect((await trackStart('invented')).body.data).toMatchObject({ trackStart: { code: 'SESSION_NOT_FOUND' } });
    await callSdk(service, 'start', token);
    const { avatarSessionId, startedAt } = await test.readRecord();
    clock.advance(5);
    expect((await trackStart(avatarSessionId)).body.data).toMatchObject({
      trackStart: { record: { id: record.id, status: 'ACTIVE', startedAt } },
    });
    expect(await endSession(service, user, avatarSessionId)).toMatchObject({ record: { durationSeconds: 5 } });
    await waitFor(async () => service.simulator.sessions()[0]?.endedAt !== null);
  });

  it('cannot be reached by the token of another', async () => {
    await using test = await tokenOf();
    const { service, token } = test;
    await callSdk(service, 'start', token);
    const session_id = (await test.readRecord()).avatarSessionId;
    const { token: other } = await createToken(service, await service.token('bob'));
    for (const call of SDK_CALLS) expect((await callSdk(service, call, other, { session_id })).status).toBe(403);
    expect(await test.readRecord()).toMatchObject({ status: 'ACTIVE' });
  });

  it('has as its cap what is held at its start, and not what was held for its token', async () => {
    await using test = await tokenOf();
    const { service, token } = test;
    await service.database.query('UPDATE usage_quotas SET monthly_limit_minutes = 10');
    await waitFor(async () => (await test.quota()).heldSeconds === 600);
    expect(await callSdk(service, 'start', token)).toMatchObject({ body: { data: { max_session_duration: 600 } } });
    expect(callsTo(service, MINT)).toMatchObject([{ max_session_duration: 600 }]);
    await service.database.query('UPDATE usage_quotas SET monthly_limit_minutes = 60');
    await waitFor(async () => (await test.quota()).availableSeconds === 3000);
    expect(await test.readRecord()).toMatchObject({ expiresAt: '2026-11-10T12:10:00.000Z' });
  });
});

describe('a vendor', () => {
  it('that mints no token at the start leaves nothing behind, and nothing is charged', async () => {
    await using test = await tokenOf();
    const { service, token } = test;
    const body = { code: 4290, data: null, message: 'Too many requests' };
    service.simulator.failNext({ path: MINT, status: 429, headers: { 'retry-after': '7' }, body });
    const answer = await callSdk(service, 'start', token);
    expect(answer).toMatchObject({
      status: 502,
      body: {
        code: 502,
        data: null,
        message:
          'The avatar service is receiving too many requests. Retry shortly. Nothing was charged. To retry, request a new token with createToken.',
      },
    });
    expect(answer.headers.get('retry-after')).toBe('7');
    expect(await test.readRecord()).toMatchObject({
      status: 'ERROR',
      endReason: 'VENDOR_ERROR',
      avatarSessionId: null,
    });
    expect(await test.quota()).toMatchObject({ usedSeconds: 0, heldSeconds: 0 });
    expect((await callSdk(service, 'stop', token)).status).toBe(200);
    expect(callsTo(service, START)).toEqual([]);
  });

  it('that mints a token during an outage of the database has started nothing, and the token can be used after it', async () => {
    await using test = await tokenOf();
    const { service, token } = test;
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    service.simulator.failNext({ path: MINT, until });
    const starting = callSdk(service, 'start', token);
    await waitFor(async () => callsTo(service, MINT).length > 0);
    {
      await using _outage = await cutOff(service.database);
      release();
      expect((await starting).status).toBe(503);
    }
    expect(callsTo(service, START)).toEqual([]);
    await waitFor(async () => (await callSdk(service, 'start', token)).status === 201);
  });

  it('that quotes its token or the account’s key does not reveal them to the page', async () => {
    await using test = await tokenOf();
    const { service, user, token } = test;
    const quoting = (secret: string) => ({ status: 400, body: { code: 4000, data: null, message: `Bad: ${secret}` } });
    const data = { session_id: crypto.randomUUID(), session_token: 'the-token-of-the-vendor' };
    service.simulator.failNext({ path: MINT, status: 200, body: { code: 1000, data } });
    service.simulator.failNext({ path: START, ...quoting(data.session_token) });
    expect(await callSdk(service, 'start', token)).toMatchObject({ status: 400, body: { message: 'Bad: [token]' } });

    const { token: next } = await createToken(service, user);
    await callSdk(service, 'start', next);
    service.simulator.failNext({ path: KEEP_ALIVE, ...quoting(VENDOR_KEY) });
    expect(await callSdk(service, 'keep-alive', next)).toMatchObject({
      status: 400,
      body: { message: 'Bad: [api key]' },
    });
  });

  it('that starts a session but does not say so is asked to stop it', async () => {
    await using test = await tokenOf();
    const { service, token } = test;
    service.simulator.failNext({ path: START, closeMidAnswer: true });
    expect(await callSdk(service, 'start', token)).toMatchObject({ status: 502, body: { code: 502, data: null } });
    expect(await test.readRecord()).toMatchObject({ status: 'ERROR', endReason: 'VENDOR_ERROR', durationSeconds: 0 });
    await waitFor(async () => service.simulator.sessions()[0]?.endedAt !== null);
    expect((await callSdk(service, 'start', token)).status).toBe(410);
    expect(callsTo(service, MINT)).toHaveLength(1);
  });

  it.each([MINT, START])('that answers %s after the session ended here does not keep it running', async (path) => {
    await using test = await tokenOf();
    const { service, user, token, record } = test;
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    service.simulator.failNext({ path, until });
    const starting = callSdk(service, 'start', token);
    await waitFor(async () => callsTo(service, path).length > 0);
    await createToken(service, user, { sessionId: record.sessionId, avatarName: 'anna' });
    release();
    expect((await starting).status).toBe(410);
    await waitFor(async () => !(await test.readRecord()).stopPending);
    await waitFor(async () => service.simulator.sessions().every(({ startedAt, endedAt }) => !startedAt || endedAt));
    expect(callsTo(service, START)).toHaveLength(path === MINT ? 0 : 1);
  });
});

it('tokens that were issued with the other delivery stay valid', async () => {
  await using service = await startTestService();
  const users = [await service.token('ann'), await service.token('bob')] as const;
  const direct = await createToken(service, users[0]);
  Object.assign(service.environment, PROXY);
  await service.restart();
  const proxied = await createToken(service, users[1]);
  expect(await callSdk(service, 'start', direct.token)).toMatchObject({ status: 201 });
  Object.assign(service.environment, { TOKEN_DELIVERY: 'direct' });
  await service.restart();
  expect(await callSdk(service, 'start', proxied.token)).toMatchObject({ status: 201 });
  for (const { token } of [direct, proxied]) expect((await callSdk(service, 'stop', token)).status).toBe(200);
});

/** A service whose time stands still, and an unused token. */
async function tokenOf(settings: Record<string, string> = {}) {
  const clock = createTestClock();
  const service = await startTestService({ ...PROXY, ...settings }, { clock: clock.now });
  const user = await service.token('ann');
  const { token, record } = await createToken(service, user);
  return {
    clock,
    service,
    user,
    token,
    record,
    readRecord: () => readRecord(service, user, record.id),
    async quota() {
      const { body } = await post<{ quota: QuotaData }>(service, user, QUOTA);
      if (!body.data) throw new Error(JSON.stringify(body.errors));
      return body.data.quota;
    },
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

interface QuotaData {
  readonly usedSeconds: number;
  readonly heldSeconds: number;
  readonly availableSeconds: number;
}

/** The calls about sessions that have reached the vendor. */
function sessionCalls({ simulator }: TestService) {
  return simulator.requests().filter(({ path }) => SESSION_CALLS.includes(path));
}
