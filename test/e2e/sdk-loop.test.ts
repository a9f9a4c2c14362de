import { describe, expect, it } from 'vitest';
import { socketClient } from '../support/clients.ts';
import { createTestClock } from '../support/clock.ts';
import { createToken, endSession, readQuota, readRecord, TRACK_START } from '../support/operations.ts';
import { callSdk } from '../support/sdk-calls.ts';
import { post, startTestService, type TestService } from '../support/service.ts';
import { VENDOR_KEY } from '../support/settings.ts';
import { callsTo, KEEP_ALIVE, START, STOP } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

/** A service whose time stands still, and a token that was given out by it 20 seconds ago. */
async function tokenOf(settings: Record<string, string> = {}) {
  const clock = createTestClock();
  const service = await startTestService(settings, { clock: clock.now });
  const user = await service.token('ann');
  const { token, record } = await createToken(service, user);
  clock.advance(20);
  return { clock, service, user, token, record, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}

function vendorSeconds({ simulator }: TestService): number {
  const [session] = simulator.sessions();
  return ((session?.endedAt ?? Number.NaN) - (session?.startedAt ?? Number.NaN)) / 1000;
}

it.concurrent('start and stop of the SDK are the session’s start and end, in agreement with the vendor', async () => {
  await using test = await tokenOf();
  const { service, user, clock, token, record } = test;
  const { avatarSessionId } = record;

  const started = await callSdk(service, 'start', token);
  expect(started.status).toBe(201);
  expect(started.body).toEqual({
    code: 1000,
    data: { session_id: avatarSessionId, max_session_duration: 1800 },
    message: 'Success',
  });
  expect(await readRecord(service, user, record.id)).toMatchObject({
    status: 'ACTIVE',
    startedAt: '2026-11-10T12:00:20.000Z',
    expiresAt: '2026-11-10T12:30:20.000Z',
  });
  clock.advance(30);
  expect(await callSdk(service, 'keep-alive', token)).toMatchObject({ status: 200, body: { code: 1000 } });
  clock.advance(12);
  expect(await callSdk(service, 'stop', token)).toMatchObject({
    status: 200,
    body: { code: 1000, data: { session_id: avatarSessionId } },
  });

  expect(await readRecord(service, user, record.id)).toMatchObject({
    status: 'COMPLETED',
    endReason: 'USER_ENDED',
    durationSeconds: 42,
  });
  expect(vendorSeconds(service)).toBe(42);
  await waitFor(async () => (await readQuota(service, user)).heldSeconds === 0);
  expect(await readQuota(service, user)).toMatchObject({ usedSeconds: 42, availableSeconds: 3600 - 42 });
});

it.concurrent('calls are passed on with the caller’s token and body, and never with the account’s key', async () => {
  await using test = await tokenOf();
  const { service, token, record } = test;
  const body = { session_id: record.avatarSessionId, reason: 'USER_CLOSED' };
  await callSdk(service, 'start', token);
  await callSdk(service, 'keep-alive', token, { session_id: record.avatarSessionId });
  await callSdk(service, 'stop', token, body);

  const passedOn = service.simulator
    .requests()
    .filter(({ headers }) => headers.authorization !== undefined)
    .map(({ path, headers, body: sent }) => [path, headers.authorization, sent && JSON.parse(sent)]);
  expect(passedOn).toEqual([
    [START, `Bearer ${token}`, ''],
    [KEEP_ALIVE, `Bearer ${token}`, { session_id: record.avatarSessionId }],
    [STOP, `Bearer ${token}`, body],
  ]);
  const withKey = service.simulator.requests().filter(({ headers }) => headers['x-api-key'] === VENDOR_KEY);
  expect(withKey.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
});

it.concurrent('a keep-alive is no heartbeat: the session goes on without another', async () => {
  await using test = await tokenOf();
  const { service, user, clock, token, record } = test;
  await callSdk(service, 'start', token);
  await callSdk(service, 'keep-alive', token);
  clock.advance(200);
  // whatever the sweeper has to do is done before this
  await service.restart();
  expect(await readRecord(service, user, record.id)).toMatchObject({ status: 'ACTIVE' });
});

it.concurrent('a second start of a running session is passed on and changes nothing', async () => {
  await using test = await tokenOf();
  const { service, user, clock, token, record } = test;
  await callSdk(service, 'start', token);
  const before = await readRecord(service, user, record.id);
  clock.advance(10);
  expect(await callSdk(service, 'start', token)).toMatchObject({ status: 400, body: { code: 4000, data: null } });
  expect(callsTo(service, START)).toHaveLength(2);
  expect(await readRecord(service, user, record.id)).toMatchObject({
    startedAt: before.startedAt,
    expiresAt: before.expiresAt,
    status: 'ACTIVE',
  });
});

describe.concurrent('the app’s own trackStart and trackEnd beside the SDK', () => {
  it('change nothing when they come first', async () => {
    await using test = await tokenOf();
    const { service, user, clock, token, record } = test;
    const { sessionId, avatarSessionId, id } = record;
    await post(service, user, TRACK_START, { input: { sessionId, avatarSessionId } });
    clock.advance(1);
    expect(await callSdk(service, 'start', token)).toMatchObject({ status: 201 });
    clock.advance(30);
    await endSession(service, user, avatarSessionId);
    clock.advance(1);
    expect(await callSdk(service, 'stop', token)).toMatchObject({
      status: 200,
      body: { code: 1000, data: { session_id: avatarSessionId } },
    });
    expect(await readRecord(service, user, id)).toMatchObject({
      startedAt: '2026-11-10T12:00:20.000Z',
      durationSeconds: 31,
      endReason: 'USER_ENDED',
    });
  });

  it('change nothing when they come second', async () => {
    await using test = await tokenOf();
    const { service, user, clock, token, record } = test;
    const { sessionId, avatarSessionId, id } = record;
    await callSdk(service, 'start', token);
    clock.advance(1);
    await post(service, user, TRACK_START, { input: { sessionId, avatarSessionId } });
    clock.advance(30);
    await callSdk(service, 'stop', token);
    clock.advance(1);
    expect((await endSession(service, user, avatarSessionId)).record).toMatchObject({
      startedAt: '2026-11-10T12:00:20.000Z',
      durationSeconds: 31,
      endReason: 'USER_ENDED',
    });
    expect(await readRecord(service, user, id)).toMatchObject({ durationSeconds: 31 });
  });
});

it.concurrent('a cap that the vendor names below the grant shortens the session, and is pushed', async () => {
  const clock = createTestClock();
  await using service = await startTestService(
    { VENDOR: 'simulator', SIMULATOR_MAX_SESSION_SECONDS: '300' },
    { clock: clock.now },
  );
  const user = await service.token('ann');
  await using client = socketClient(service, user);
  const inbox = client.watchQuota();
  await inbox.take(1);
  const { token } = await createToken(service, user);

  expect(await callSdk(service, 'start', token)).toMatchObject({ body: { data: { max_session_duration: 300 } } });

  const messages = await inbox.take(4);
  expect(messages.map(({ reason }) => reason)).toEqual([
    'SNAPSHOT',
    'TOKEN_CREATED',
    'SESSION_STARTED',
    'SESSION_CAPPED',
  ]);
  expect(messages[3]).toMatchObject({
    record: { status: 'ACTIVE', expiresAt: '2026-11-10T12:05:00.000Z' },
    quota: { heldSeconds: 300, availableSeconds: 3300 },
  });
});
