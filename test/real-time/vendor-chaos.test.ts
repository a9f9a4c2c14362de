import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'vitest';
import type { Fault } from '../../src/vendors/simulator/faults.ts';
import { createTestDatabase } from '../support/database.ts';
import { createToken, endSession, QUOTA, readQuota, TRACK_START } from '../support/operations.ts';
import { type ProxiedService, startProxiedService } from '../support/proxied-service.ts';
import { post, startTestService, type TestService } from '../support/service.ts';
import { callsTo, MINT, STOP } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

/** What the outbox waits after the first failure, and after the second. */
const FIRST_WAIT_MS = 5_000;
const SECOND_WAIT_MS = 10_000;

describe.concurrent.each<[string, Omit<Fault, 'path'>, number, string]>([
  ['fails', { status: 500 }, FIRST_WAIT_MS, 'answered 500'],
  [
    'answers with words that PostgreSQL does not store',
    { status: 500, body: 'a\0b' },
    FIRST_WAIT_MS,
    'answered 500: ab',
  ],
  ['asks for a little patience', { status: 429, headers: { 'retry-after': '2' } }, 2_000, 'answered 429'],
  ['asks for more patience', { status: 503, headers: { 'retry-after': '8' } }, 8_000, 'answered 503'],
  ['asks to be called at once', { status: 429, headers: { 'retry-after': '0' } }, 1_000, 'answered 429'],
  ['does not take the method', { status: 405, body: { detail: 'Method Not Allowed' } }, FIRST_WAIT_MS, 'answered 405'],
  ['answers garbage', { status: 200, body: '<html>Welcome</html>' }, FIRST_WAIT_MS, 'without an envelope'],
  ['confirms without an envelope', { status: 200, body: {} }, FIRST_WAIT_MS, 'without an envelope'],
  ['does not answer', { hang: true }, FIRST_WAIT_MS, ''],
])('a vendor that %s when asked to stop', (_name, fault, wait, error) => {
  it('is asked again when it is time, and confirms', { timeout: 60_000 }, async ({ expect }) => {
    await using service = await startTestService();
    const { token, avatarSessionId } = await startStream(service);
    service.simulator.failNext({ path: STOP, ...fault });

    const ended = await endSession(service, token, avatarSessionId);
    expect(ended).toMatchObject({ record: { status: 'COMPLETED' } });
    const held = await readQuota(service, token);
    expect(held.usedSeconds + held.heldSeconds).toBe(1800);

    await waitForStops(service, 1);
    const first = Date.now();
    if (error) {
      const lastError = async () => (await readStops(service))[0]?.last_error;
      await waitFor(async () => (await lastError()) != null);
      expect(await lastError()).toContain(error);
    }
    await waitForStops(service, 2);
    const waited = Date.now() - first;
    // the clock of the wait began a little before, and a busy machine makes it longer
    expect(waited).toBeGreaterThan(wait - 500);
    expect(waited).toBeLessThan(wait + 2_500);
    await waitFor(async () => (await readStops(service)).every(({ confirmed }) => confirmed));
    expect(service.simulator.sessions()).toMatchObject([{ id: avatarSessionId, endReason: 'USER_CLOSED' }]);
    // What the vendor streamed past the end is held until its figures come.
    const late = (Date.now() - first) / 1000;
    expect((await readQuota(service, token)).heldSeconds).toBeLessThan(late + 10);
  });
});

describe.concurrent('a vendor that stops the session and', () => {
  it('breaks off its answer has confirmed once it is asked again', { timeout: 60_000 }, async ({ expect }) => {
    await using service = await startTestService();
    const { token, avatarSessionId } = await startStream(service);
    service.simulator.failNext({ path: STOP, closeMidAnswer: true });
    await endSession(service, token, avatarSessionId);
    await waitForStops(service, 2);
    await waitFor(async () => (await readStops(service)).every(({ confirmed }) => confirmed));
    expect(await readStops(service)).toMatchObject([{ attempts: 2, last_error: null }]);
    expect(service.simulator.sessions()).toMatchObject([{ endReason: 'USER_CLOSED' }]);
  });
});

it.concurrent('patience that a slow vendor asks for late is heeded all the same', { timeout: 60_000 }, async ({
  expect,
}) => {
  await using database = await createTestDatabase();
  await using service = await startProxiedService(database.url);
  const { token, avatarSessionId } = await startStream(service);
  service.simulator.failNext({ path: STOP, status: 429, headers: { 'retry-after': '1' } });
  service.toVendor.silence();
  await endSession(service, token, avatarSessionId);
  await waitFor(async () => (await readStops({ database }))[0]?.attempts === 1);
  const first = Date.now();
  // by now the sweeper sleeps until the end of the first wait
  await sleep(500);
  await service.toVendor.open();
  await waitForStops(service, 2);
  expect(Date.now() - first).toBeLessThan(FIRST_WAIT_MS - 500);
});

it.concurrent('the wait doubles while a vendor goes on failing', { timeout: 60_000 }, async ({ expect }) => {
  await using service = await startTestService();
  const { token, avatarSessionId } = await startStream(service);
  service.simulator.failNext({ path: STOP, status: 500, times: 2 });
  await endSession(service, token, avatarSessionId);
  await waitForStops(service, 2);
  const second = Date.now();
  await waitForStops(service, 3);
  expect(Date.now() - second).toBeGreaterThan(SECOND_WAIT_MS - 500);
  await waitFor(async () => (await readStops(service)).every(({ confirmed }) => confirmed));
});

it.concurrent('a stop that hangs holds up no other one', { timeout: 60_000 }, async ({ expect }) => {
  await using service = await startTestService();
  const [ann, bob] = [await startStream(service, 'ann'), await startStream(service, 'bob')];
  service.simulator.failNext({ path: STOP, hang: true });
  await Promise.all([ann, bob].map(({ token, avatarSessionId }) => endSession(service, token, avatarSessionId)));
  await waitForStops(service, 2);
  await waitFor(async () => (await readStops(service)).some(({ confirmed }) => confirmed));
  await waitForStops(service, 3);
  // of the two, only the one that hung was tried again
  await waitFor(async () => (await readStops(service)).every(({ confirmed }) => confirmed));
  expect((await readStops(service)).map(({ attempts }) => attempts).sort()).toEqual([1, 2]);
});

it.concurrent('a vendor that is down is asked when it is back', { timeout: 60_000 }, async ({ expect }) => {
  await using database = await createTestDatabase();
  await using service = await startProxiedService(database.url);
  const { token, avatarSessionId } = await startStream(service);
  await service.toVendor.refuse();
  expect(await createToken(service, await service.token('bob'))).toMatchObject({ code: 'VENDOR_UNAVAILABLE' });
  await endSession(service, token, avatarSessionId);
  const stops = () => readStops({ database });
  await waitFor(async () => (await stops())[0]?.last_error != null);
  expect(service.simulator.sessions()).toMatchObject([{ endedAt: null }]);

  await service.toVendor.open();
  await waitFor(async () => (await stops()).every(({ confirmed }) => confirmed));
  expect(service.simulator.sessions()).toMatchObject([{ id: avatarSessionId, endReason: 'USER_CLOSED' }]);
});

it.concurrent('a slow vendor delays neither deadlines nor calls', { timeout: 60_000 }, async ({ expect }) => {
  await using database = await createTestDatabase();
  await using service = await startProxiedService(database.url, {
    MIN_SESSION_SECONDS: '1',
    MAX_SESSION_SECONDS: '5',
    MAX_CONCURRENT_SESSIONS: '10',
  });
  const [ann, bob] = [await startStream(service, 'ann'), await startStream(service, 'bob')];
  service.toVendor.silence();

  const begun = Date.now();
  await endSession(service, ann.token, ann.avatarSessionId);
  expect(Date.now() - begun).toBeLessThan(2_000);
  const record = async () =>
    (
      await database.query<{ late: number; end_reason: string }>(
        `SELECT end_reason, extract(epoch FROM updated_at - session_ended_at)::float8 AS late
        FROM avatar_usage_records WHERE user_id = 'bob' AND status = 'completed'`,
      )
    )[0];
  await waitFor(async () => (await record()) !== undefined);
  const { end_reason, late } = (await record()) ?? { late: Number.NaN };
  expect(end_reason).toBe('deadline_reached');
  expect(late).toBeLessThan(2);

  await service.toVendor.open();
  await waitFor(async () => {
    const stops = await readStops({ database });
    return stops.length === 2 && stops.every(({ confirmed }) => confirmed);
  });
  const sessions = service.simulator.sessions();
  expect(sessions.map(({ id }) => id)).toEqual([ann.avatarSessionId, bob.avatarSessionId]);
  expect(sessions.every(({ endedAt }) => endedAt !== null)).toBe(true);
});

it.concurrent('a slow token is given out, if late', async ({ expect }) => {
  await using database = await createTestDatabase();
  await using service = await startProxiedService(database.url);
  service.toVendor.silence();
  const asked = createToken(service, await service.token('ann'));
  await waitFor(async () => (await database.query('SELECT FROM avatar_usage_records')).length === 1);
  await service.toVendor.open();
  const { record } = await asked;
  expect(record).toMatchObject({ status: 'RESERVED' });
  expect(service.simulator.sessions()).toMatchObject([{ id: record.avatarSessionId }]);
});

it.concurrent('a token whose answer was lost leaves nothing on our side', async ({ expect }) => {
  await using service = await startTestService();
  const token = await service.token('ann');
  service.simulator.failNext({ path: MINT, closeMidAnswer: true });
  expect(await createToken(service, token)).toMatchObject({ code: 'VENDOR_UNAVAILABLE' });

  // the vendor has a session that nobody has the token of
  expect(service.simulator.sessions()).toMatchObject([{ startedAt: null }]);
  expect((await post(service, token, QUOTA)).body.data).toMatchObject({
    quota: { heldSeconds: 0, usedSeconds: 0, availableSeconds: 3600, openSessions: [] },
  });
  expect(
    await service.database.query('SELECT status, end_reason, avatar_session_id FROM avatar_usage_records'),
  ).toEqual([{ status: 'error', end_reason: 'vendor_error', avatar_session_id: null }]);
  expect(await readStops(service)).toEqual([]);
});

/** A session that runs with us and at the vendor. */
async function startStream(service: Pick<TestService | ProxiedService, 'url' | 'token' | 'simulator'>, userId = 'ann') {
  const token = await service.token(userId);
  const { token: vendorToken, record } = await createToken(service, token);
  const { sessionId, avatarSessionId } = record;
  await fetch(`${service.simulator.url}/v1/sessions/start`, {
    method: 'POST',
    headers: { authorization: `Bearer ${vendorToken}` },
  });
  await post(service, token, TRACK_START, { input: { sessionId, avatarSessionId } });
  return { token, avatarSessionId };
}

async function waitForStops(service: Pick<TestService, 'simulator'>, count: number): Promise<void> {
  await waitFor(async () => callsTo(service, STOP).length >= count);
}

async function readStops({ database }: Pick<TestService, 'database'>) {
  return await database.query<{ confirmed: boolean; attempts: number; last_error: string | null }>(
    'SELECT confirmed_at IS NOT NULL AS confirmed, attempts, last_error FROM vendor_stops ORDER BY attempts',
  );
}
