import { describe, it } from 'vitest';
import type { Fault } from '../../src/vendors/simulator/faults.ts';
import { createToken, endSession, QUOTA, startSession, TRACK_HEARTBEAT, USAGE_HISTORY } from '../support/operations.ts';
import { post, startTestService, type TestService } from '../support/service.ts';
import { callsTo, KEEP_ALIVE, MINT, STOP } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

describe.concurrent.each<[string, Omit<Fault, 'path'>, string, number | null]>([
  ['fails', { status: 500 }, 'VENDOR_UNAVAILABLE', 10],
  ['asks for patience', { status: 429, headers: { 'retry-after': '7' } }, 'VENDOR_RATE_LIMITED', 7],
  ['is at its own limit', { status: 403, body: { code: 4003, data: null } }, 'VENDOR_CONCURRENCY', 15],
  ['has no credits left', { status: 402, body: { code: 4002, data: null } }, 'VENDOR_NO_FUNDS', null],
  ['does not know our key', { status: 401, body: { code: 4001, data: null } }, 'VENDOR_UNAUTHORIZED', null],
  ['answers garbage', { status: 200, body: '<html>Welcome</html>' }, 'VENDOR_UNAVAILABLE', 10],
  ['hangs up in the middle of its answer', { closeMidAnswer: true }, 'VENDOR_UNAVAILABLE', 10],
  ['does not answer at all', { hang: true }, 'VENDOR_UNAVAILABLE', 10],
])('a vendor that %s', (_name, fault, code, retryAfterSeconds) => {
  it('is a typed refusal, and the quota is as it was', async ({ expect }) => {
    await using service = await startTestService();
    const token = await service.token('ann');
    service.simulator.failNext({ path: MINT, ...fault });

    expect(await createToken(service, token)).toEqual({
      __typename: 'VendorError',
      code,
      message: expect.stringMatching(/^The avatar service .+\.$/),
      retryAfterSeconds,
      fallback: 'STATIC_AVATAR',
    });

    expect(await read(service, token, QUOTA)).toMatchObject({ quota: { heldSeconds: 0, availableSeconds: 3600 } });
    expect(await read(service, token, USAGE_HISTORY)).toMatchObject({
      usageHistory: { edges: [{ node: { status: 'ERROR', endReason: 'VENDOR_ERROR', durationSeconds: 0 } }] },
    });
    expect(await createToken(service, token)).toMatchObject({ __typename: 'CreateTokenSuccess' });
  });
});

it.concurrent('the vendor is asked for a token that it caps at the grant', async ({ expect }) => {
  await using service = await startTestService({ DEFAULT_MONTHLY_LIMIT_COST: '1.25' });
  expect(await createToken(service, await service.token('ann'))).toMatchObject({ maxDurationSeconds: 150 });
  expect(callsTo(service, MINT)).toMatchObject([{ max_session_duration: 150 }]);
});

it.concurrent('trackEnd stops the stream at the vendor, and repeats the stop if the vendor fails', async ({
  expect,
}) => {
  await using service = await startTestService();
  const token = await service.token('ann');
  const { token: vendorToken, record } = await createToken(service, token);
  await fetch(`${service.simulator.url}/v1/sessions/start`, {
    method: 'POST',
    headers: { authorization: `Bearer ${vendorToken}` },
  });
  service.simulator.failNext({ path: STOP, status: 503 });

  await endSession(service, token, record.avatarSessionId);

  await waitFor(async () => service.simulator.sessions()[0]?.endedAt != null);
  expect(service.simulator.sessions()).toMatchObject([{ id: record.avatarSessionId, endReason: 'USER_CLOSED' }]);
  expect(callsTo(service, STOP).map(({ session_id }) => session_id)).toEqual(Array(2).fill(record.avatarSessionId));
});

it.concurrent('a superseded session is stopped at the vendor as well', async ({ expect }) => {
  await using service = await startTestService();
  const token = await service.token('ann');
  const { sessionId, avatarSessionId } = await startSession(service, token);
  await createToken(service, token, { sessionId });
  await waitFor(async () => callsTo(service, STOP).length > 0);
  expect(callsTo(service, STOP)).toMatchObject([{ session_id: avatarSessionId }]);
});

it.concurrent('a heartbeat keeps the session alive at the vendor as well', async ({ expect }) => {
  await using service = await startTestService();
  const token = await service.token('ann');
  const { avatarSessionId } = await startSession(service, token);
  await beat(service, token, avatarSessionId);
  await waitFor(async () => callsTo(service, KEEP_ALIVE).length > 0);
  await endSession(service, token, avatarSessionId);
  await beat(service, token, avatarSessionId);
  await beat(service, await service.token('bob'), avatarSessionId);
  await waitFor(async () => callsTo(service, STOP).length > 0);
  expect(callsTo(service, KEEP_ALIVE)).toEqual([{ session_id: avatarSessionId }]);
});

describe.concurrent.each<[string, Omit<Fault, 'path'>]>([
  ['fails', { status: 500 }],
  ['does not answer', { hang: true }],
])('a vendor that %s', (_name, fault) => {
  it('fails no heartbeat and lets none wait', async ({ expect }) => {
    await using service = await startTestService();
    const token = await service.token('ann');
    const { avatarSessionId } = await startSession(service, token);
    service.simulator.failNext({ path: KEEP_ALIVE, ...fault });
    const sentAt = Date.now();
    expect(await beat(service, token, avatarSessionId)).toMatchObject({
      trackHeartbeat: { __typename: 'TrackHeartbeatSuccess', record: { status: 'ACTIVE' } },
    });
    expect(Date.now() - sentAt).toBeLessThan(5_000);
    await waitFor(async () => callsTo(service, KEEP_ALIVE).length > 0);
    expect(await beat(service, token, avatarSessionId)).toMatchObject({
      trackHeartbeat: { __typename: 'TrackHeartbeatSuccess' },
    });
  });
});

async function beat(service: TestService, token: string, avatarSessionId: string) {
  return (await post(service, token, TRACK_HEARTBEAT, { input: { avatarSessionId } })).body.data;
}

async function read(service: TestService, token: string, query: string): Promise<unknown> {
  return (await post(service, token, query)).body.data;
}
