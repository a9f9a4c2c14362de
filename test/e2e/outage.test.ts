import { describe, expect, it } from 'vitest';
import { formatNodeId } from '../../src/graphql/node-id.ts';
import { socketClient } from '../support/clients.ts';
import {
  CREATE_TOKEN,
  createToken,
  endSession,
  QUOTA,
  readRecord,
  startSession,
  TRACK_END,
  TRACK_HEARTBEAT,
  TRACK_START,
  USAGE_HISTORY,
  USAGE_SUMMARY,
} from '../support/operations.ts';
import { cutOff } from '../support/outage.ts';
import { call, get } from '../support/rest.ts';
import { post, startTestService } from '../support/service.ts';
import { callsTo, MINT } from '../support/vendor-calls.ts';
import { firstVersion } from '../support/versions.ts';
import { waitFor } from '../support/wait-for.ts';

const SERVICE_UNAVAILABLE = { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 5 };

describe('without the database', () => {
  it('every operation says so, and no token is asked of the vendor', async () => {
    await using service = await startTestService();
    const token = await service.token('ann');
    const avatarSessionId = 'stream';
    await using _outage = await cutOff(service.database);
    const operations: [string, object?][] = [
      [QUOTA],
      [USAGE_HISTORY],
      [USAGE_SUMMARY],
      ['query { canCreateSession { allowed } }'],
      [`query { node(id: "${formatNodeId('UsageRecord', '00000000-0000-4000-8000-000000000000')}") { id } }`],
      [CREATE_TOKEN, { sessionId: 'chat' }],
      [TRACK_START, { sessionId: 'chat', avatarSessionId }],
      [TRACK_HEARTBEAT, { avatarSessionId }],
      [TRACK_END, { avatarSessionId }],
    ];
    for (const [query, input] of operations) {
      const { status, body } = await post(service, token, query, input && { input });
      expect({ status, codes: body.errors?.map(({ extensions }) => extensions) }).toEqual({
        status: 200,
        codes: [SERVICE_UNAVAILABLE],
      });
    }
    expect(callsTo(service, MINT)).toEqual([]);
  });

  it('every REST call says so, and when to try again', async () => {
    await using service = await startTestService();
    const token = await service.token('ann');
    const session = { session_id: 'chat', avatar_session_id: 'stream' };
    await using _outage = await cutOff(service.database);
    const answers = await Promise.all([
      ...['create', 'track-start', 'track-end'].map((path) => call(service, token, `tokens/${path}`, session)),
      ...['quota', 'can-create-session', 'summary', 'history'].map((path) => get(service, token, `usage/${path}`)),
    ]);
    for (const { status, headers, body } of answers) {
      expect({ status, retryAfter: headers.get('retry-after'), body }).toEqual({
        status: 503,
        retryAfter: '5',
        body: { success: false, message: expect.any(String), code: 'SERVICE_UNAVAILABLE', retry_after_seconds: 5 },
      });
    }
    expect(callsTo(service, MINT)).toEqual([]);
  });

  it('a subscription cannot begin', async () => {
    await using service = await startTestService();
    await using _outage = await cutOff(service.database);
    await using client = socketClient(service, await service.token('ann'));
    expect(await client.watchQuota().ended()).toMatchObject([{ extensions: SERVICE_UNAVAILABLE }]);
  });

  it('the service is alive and not ready', async () => {
    await using service = await startTestService();
    const answers = async () => {
      const [alive, ready] = await Promise.all([fetch(`${service.url}/healthz`), fetch(`${service.url}/readyz`)]);
      return [alive.status, ready.status];
    };
    expect(await answers()).toEqual([200, 200]);
    {
      await using _outage = await cutOff(service.database);
      expect(await answers()).toEqual([200, 503]);
    }
    await waitFor(async () => (await answers())[1] === 200);
  });
});

it('a database that comes back finds sessions, subscriptions and quota as they were', async () => {
  await using service = await startTestService();
  const token = await service.token('ann');
  const { id, avatarSessionId } = await startSession(service, token);
  await using client = socketClient(service, token);
  const inbox = client.watchQuota();
  await inbox.take(1);
  {
    await using _outage = await cutOff(service.database);
    expect((await post(service, token, TRACK_END, { input: { avatarSessionId } })).body.data).toBeNull();
  }

  expect(await endSession(service, token, avatarSessionId)).toMatchObject({
    record: { status: 'COMPLETED', endReason: 'USER_ENDED' },
  });
  await waitFor(async () => !(await readRecord(service, token, id)).stopPending);
  await createToken(service, token);
  // a snapshot replaces the events that were lost in the meantime
  const { quota } = await inbox.find(({ quota }) => quota.version === firstVersion() + 5);
  expect(quota).toMatchObject({ sessionCount: 1 });
  // The new token's grant and, until the vendor's figures come, the time between the first token and its reported start.
  expect(quota.heldSeconds - 1800).toBeGreaterThanOrEqual(0);
  expect(quota.heldSeconds - 1800).toBeLessThan(10);
});
