import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/vendors/simulator/faults.ts';
import { createTestDatabase } from '../support/database.ts';
import { callHeyGenSdk, codeOf, HEYGEN, readyHeyGenToken } from '../support/heygen-calls.ts';
import { createToken, QUOTA } from '../support/operations.ts';
import { startProxiedService } from '../support/proxied-service.ts';
import { post } from '../support/service.ts';
import { callsTo } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

const NEW = '/v1/streaming.new';

const UNUSED = { status: 'RESERVED', endReason: null, durationSeconds: 0, avatarSessionId: null };
const HELD = { quota: { usedSeconds: 0, heldSeconds: 1800 } };

describe.concurrent.each<[string, Omit<Fault, 'path'>, number]>([
  ['is at its own limit', { status: 400, body: { code: 10007, message: 'Concurrent limit reached' } }, 400],
  ['asks for patience', { status: 429, headers: { 'retry-after': '7' }, body: { code: 400123 } }, 429],
  ['fails', { status: 500, body: '<h1>Oops</h1>' }, 500],
  ['answers garbage', { status: 200, body: '<h1>Welcome</h1>' }, 502],
  ['names no session', { status: 200, body: { code: 100, data: {} } }, 502],
  ['refuses with a 200', { status: 200, body: { code: 10007, data: null, message: 'Concurrent limit reached' } }, 200],
])('a vendor that %s when a session is opened', (_name, fault, status) => {
  it('costs nothing: the token is unused again, its hold stays, and it can be used once more', async () => {
    await using ready = await readyHeyGenToken();
    ready.service.simulator.failNext({ path: NEW, ...fault });
    const answer = await ready.sdk('new');
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBe(status === 429 ? '7' : null);
    expect(await ready.readRecord()).toMatchObject(UNUSED);
    expect((await post(ready.service, ready.user, QUOTA)).body.data).toMatchObject(HELD);
    const avatarSessionId = await ready.open();
    expect(await ready.readRecord()).toMatchObject({ status: 'ACTIVE', avatarSessionId });
  });
});

describe.concurrent.each<[string, Omit<Fault, 'path'>, number]>([
  ['knows no such avatar', { status: 400, body: { code: 10012, message: 'Avatar not found' } }, 400],
  ['has retired its API', { status: 410, body: { message: 'Retired' } }, 410],
])('a vendor that %s when a session is opened', (_name, fault, status) => {
  it('costs nothing: the record ends as the vendor’s error, and holds what its token can still spend', async () => {
    await using ready = await readyHeyGenToken();
    ready.service.simulator.failNext({ path: NEW, ...fault });
    expect((await ready.sdk('new')).status).toBe(status);
    expect(await ready.readRecord()).toMatchObject({ ...UNUSED, status: 'ERROR', endReason: 'VENDOR_ERROR' });
    expect((await post(ready.service, ready.user, QUOTA)).body.data).toMatchObject(HELD);
    expect(codeOf(await ready.sdk('new'))).toEqual([410, 410]);
  });
});

describe.concurrent('a session that ends here while the vendor opens it', () => {
  it('is stopped at the vendor as soon as its name is known', async () => {
    await using ready = await readyHeyGenToken();
    const { service, user, record } = ready;
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    service.simulator.failNext({ path: NEW, until });
    const opening = ready.sdk('new');
    await waitFor(async () => callsTo(service, NEW).length > 0);
    await createToken(service, user, { sessionId: record.sessionId });
    release();
    expect(codeOf(await opening)).toEqual([410, 410]);
    await waitFor(async () => service.simulator.heygenSessions()[0]?.endedAt != null);
    expect(await ready.readRecord()).toMatchObject({ endReason: 'SUPERSEDED' });
  });
});

it('without the database no session is opened at the vendor', async () => {
  await using database = await createTestDatabase();
  await using service = await startProxiedService(database.url, HEYGEN);
  const { token } = await createToken(service, await service.token('ann'));
  await service.toDatabase.refuse();
  const answer = await callHeyGenSdk(service, 'new', token);
  expect(codeOf(answer)).toEqual([503, 503]);
  expect(answer.headers.get('retry-after')).toBe('5');
  await service.toDatabase.open();
  expect(callsTo(service, NEW)).toEqual([]);
});
