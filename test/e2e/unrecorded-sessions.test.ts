import { describe, expect, it } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { callHeyGenSdk, codeOf, HEYGEN, readyHeyGenToken } from '../support/heygen-calls.ts';
import { CREATE_TOKEN, createToken, QUOTA, USAGE_HISTORY } from '../support/operations.ts';
import { startProxiedService } from '../support/proxied-service.ts';
import { conversation, post, startTestService } from '../support/service.ts';
import { callsTo, MINT, STOP } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

// What the vendor has opened is known to the database, or stopped at once.

const NEW = '/v1/streaming.new';
const STOP_STREAM = '/v1/streaming.stop';
/** A text that PostgreSQL cannot store. */
const UNSTORABLE = 'session\0of a broken vendor';

describe.concurrent('a minted session that cannot be saved', () => {
  it('is stopped, and is the vendor’s error where its ID cannot be stored', async () => {
    await using service = await startTestService();
    const ann = await service.token('ann');
    const data = { session_id: UNSTORABLE, session_token: 'token' };
    service.simulator.failNext({ path: MINT, status: 200, body: { code: 1000, data } });
    service.simulator.failNext({ path: STOP, status: 200, body: { code: 1000, data: {} } });

    expect(await createToken(service, ann)).toMatchObject({ __typename: 'VendorError', code: 'VENDOR_UNKNOWN' });

    expect(callsTo(service, STOP, UNSTORABLE)).toHaveLength(1);
    expect((await post(service, ann, QUOTA)).body.data).toMatchObject({ quota: { heldSeconds: 0, usedSeconds: 0 } });
    expect((await post(service, ann, USAGE_HISTORY)).body.data).toMatchObject({
      usageHistory: { nodes: [{}], edges: [{ node: { status: 'ERROR', endReason: 'VENDOR_ERROR' } }] },
    });
    expect(await createToken(service, ann)).toMatchObject({ __typename: 'CreateTokenSuccess' });
  });

  it('is stopped when the database fails after the mint, and no token goes out', async () => {
    await using database = await createTestDatabase();
    await using service = await startProxiedService(database.url);
    const ann = await service.token('ann');
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    service.simulator.failNext({ path: MINT, until });
    const input = { sessionId: conversation() };
    const answer = post(service, ann, CREATE_TOKEN, { input });
    await waitFor(async () => callsTo(service, MINT).length > 0);
    await service.toDatabase.refuse();
    release();

    expect((await answer).body.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);

    const [session] = service.simulator.sessions();
    expect(callsTo(service, STOP, session?.id)).toHaveLength(1);
    await service.toDatabase.open();
  });
});

describe.concurrent('an opened session whose name cannot be saved', () => {
  it('is stopped, and its record ends where the name cannot be stored', async () => {
    await using ready = await readyHeyGenToken();
    const { service, user } = ready;
    const data = { session_id: UNSTORABLE };
    service.simulator.failNext({ path: NEW, status: 200, body: { code: 100, data } });
    service.simulator.failNext({ path: STOP_STREAM, status: 200, body: { code: 100, data: {} } });

    expect(codeOf(await ready.sdk('new'))).toEqual([502, 502]);

    expect(callsTo(service, STOP_STREAM, UNSTORABLE)).toHaveLength(1);
    expect(await ready.readRecord()).toMatchObject({ status: 'ERROR', endReason: 'VENDOR_ERROR' });
    // its token can open another one
    const held = expect.toSatisfy((seconds: number) => seconds > 1700);
    expect((await post(service, user, QUOTA)).body.data).toMatchObject({
      quota: { heldSeconds: held, openSessions: [] },
    });
  });

  it('is stopped when the database is gone, also if the vendor refuses the first stop', async () => {
    await using database = await createTestDatabase();
    await using service = await startProxiedService(database.url, HEYGEN);
    const { token } = await createToken(service, await service.token('ann'));
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    service.simulator.failNext({ path: NEW, until });
    service.simulator.failNext({ path: STOP_STREAM, status: 503 });
    const answer = callHeyGenSdk(service, 'new', token);
    await waitFor(async () => callsTo(service, NEW).length > 0);
    await service.toDatabase.refuse();
    release();

    expect(codeOf(await answer)).toEqual([503, 503]);

    expect(service.simulator.heygenSessions()).toMatchObject([{ endedAt: expect.any(Number) }]);
    await service.toDatabase.open();
  });
});
