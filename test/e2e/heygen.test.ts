import { describe, it } from 'vitest';
import { startSimulator } from '../../src/vendors/simulator/server.ts';
import { createTestDatabase } from '../support/database.ts';
import { callHeyGen, HEYGEN, openAtHeyGen } from '../support/heygen-calls.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { createToken, endSession, readRecord, TRACK_HEARTBEAT, TRACK_START } from '../support/operations.ts';
import { post, startTestService, type TestService } from '../support/service.ts';
import { issueUserToken, settingsFor, VENDOR_KEY } from '../support/settings.ts';
import { callsTo } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

/** The vendor neither names the session at the mint nor caps it: our deadline and our stop are the cut-off. */

describe.concurrent('with a vendor that has no cap', () => {
  it('a session is named by its client at the start, kept alive and stopped at the vendor', async ({ expect }) => {
    await using service = await startTestService(HEYGEN);
    const token = await service.token('ann');
    const created = await createToken(service, token, { avatarName: 'Ann_Therapist_public' });
    expect(created).toMatchObject({ maxDurationSeconds: 1800, record: { status: 'RESERVED', avatarSessionId: null } });
    const { sessionId } = created.record;
    const avatarSessionId = await openAtHeyGen(service.simulator, created.token);

    expect(await start(service, token, { sessionId, avatarSessionId })).toMatchObject({
      record: { id: created.record.id, status: 'ACTIVE', avatarSessionId },
    });
    await post(service, token, TRACK_HEARTBEAT, { input: { avatarSessionId } });
    await waitFor(async () => callsTo(service, '/v1/streaming.keep_alive', avatarSessionId).length > 0);
    const { record } = await endSession(service, token, avatarSessionId);
    expect(record).toMatchObject({ status: 'COMPLETED', endReason: 'USER_ENDED' });
    await waitFor(async () => service.simulator.heygenSessions()[0]?.endedAt != null);
    await waitFor(async () => !(await readRecord(service, token, record.id)).stopPending);
  });

  it('the session is stopped at the vendor when its deadline is reached', async ({ expect }) => {
    await using service = await startTestService({ ...HEYGEN, MAX_SESSION_SECONDS: '2', MIN_SESSION_SECONDS: '1' });
    const token = await service.token('ann');
    const { token: vendorToken, record } = await createToken(service, token);
    const avatarSessionId = await openAtHeyGen(service.simulator, vendorToken, { activity_idle_timeout: 3600 });
    await start(service, token, { sessionId: record.sessionId, avatarSessionId });

    await waitFor(async () => service.simulator.heygenSessions()[0]?.endedAt != null);
    expect(callsTo(service, '/v1/streaming.stop')).toEqual([{ session_id: avatarSessionId }]);
    await waitFor(async () => (await readRecord(service, token, record.id)).status === 'COMPLETED');
    const ended = await readRecord(service, token, record.id);
    expect(ended).toMatchObject({ endReason: 'DEADLINE_REACHED', durationSeconds: 2 });
    const stoppedAfter = (service.simulator.heygenSessions()[0]?.endedAt ?? 0) - Date.parse(ended.startedAt);
    expect(stoppedAfter).toBeGreaterThanOrEqual(2_000);
    expect(stoppedAfter).toBeLessThan(3_000);
  });

  it('a session that the vendor has ended is found in its history', async ({ expect }) => {
    await using service = await startTestService({ ...HEYGEN, RECONCILE_INTERVAL_SECONDS: '1' });
    const token = await service.token('ann');
    const { token: vendorToken, record } = await createToken(service, token);
    const avatarSessionId = await openAtHeyGen(service.simulator, vendorToken);
    await start(service, token, { sessionId: record.sessionId, avatarSessionId });
    await callHeyGen(service.simulator, 'stop', vendorToken, { session_id: avatarSessionId });

    await waitFor(async () => (await readRecord(service, token, record.id)).status === 'COMPLETED');
    expect(await readRecord(service, token, record.id)).toMatchObject({
      endReason: 'VENDOR_ENDED',
      stopPending: false,
    });
  });

  it('a service that is killed stops the session when it is started again', async ({ expect }) => {
    await using database = await createTestDatabase();
    const simulator = await startSimulator({ apiKey: VENDOR_KEY });
    await using parts = new AsyncDisposableStack();
    parts.defer(() => simulator.close());
    const settings = {
      ...settingsFor(simulator.url),
      ...HEYGEN,
      DATABASE_URL: database.url,
      PORT: '0',
      MAX_SESSION_SECONDS: '1',
      MIN_SESSION_SECONDS: '1',
    };
    const token = await issueUserToken('ann');
    const killed = parts.use(await startNodeProcess(settings));
    const { token: vendorToken, record } = await createToken(killed, token);
    const avatarSessionId = await openAtHeyGen(simulator, vendorToken, { activity_idle_timeout: 3600 });
    await start(killed, token, { sessionId: record.sessionId, avatarSessionId });
    await killed.end('SIGKILL');
    expect(simulator.heygenSessions()).toMatchObject([{ id: avatarSessionId, endedAt: null }]);

    const restarted = parts.use(await startNodeProcess(settings));
    await waitFor(async () => simulator.heygenSessions()[0]?.endedAt != null);
    await waitFor(async () => !(await readRecord(restarted, token, record.id)).stopPending);
    expect(await readRecord(restarted, token, record.id)).toMatchObject({
      status: 'COMPLETED',
      endReason: 'DEADLINE_REACHED',
      stopPending: false,
    });
  });
});

it('a vendor that has retired its API is a typed refusal that says so', async ({ expect }) => {
  await using service = await startTestService(HEYGEN);
  const token = await service.token('ann');
  service.simulator.failNext({ path: '/v1/streaming.create_token', status: 410, body: { message: 'Gone' } });
  expect(await createToken(service, token)).toEqual({
    __typename: 'VendorError',
    code: 'VENDOR_RETIRED',
    message: expect.stringContaining('shut down'),
    retryAfterSeconds: null,
    fallback: 'STATIC_AVATAR',
  });
});

it('the simulated vendor of embedded mode plays HeyGen if the settings say so', async ({ expect }) => {
  await using service = await startTestService({ VENDOR: 'simulator', SIMULATOR_API: 'heygen' });
  const created = await createToken(service, await service.token('ann'));
  expect(created).toMatchObject({ __typename: 'CreateTokenSuccess', record: { avatarSessionId: null } });
  expect(service.simulator.requests()).toEqual([]);
});

async function start(
  service: Pick<TestService, 'url'>,
  token: string,
  input: { readonly sessionId: string; readonly avatarSessionId: string },
) {
  const { body } = await post<{ trackStart: Record<string, unknown> }>(service, token, TRACK_START, { input });
  if (!body.data) throw new Error(JSON.stringify(body.errors));
  return body.data.trackStart;
}
