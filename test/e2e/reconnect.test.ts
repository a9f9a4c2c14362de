import { describe, expect, it } from 'vitest';
import { apolloClient, socketClient, urqlClient } from '../support/clients.ts';
import { createToken, endSession, readRecord, startSession } from '../support/operations.ts';
import { startTestService } from '../support/service.ts';
import { firstVersion } from '../support/versions.ts';
import { waitFor } from '../support/wait-for.ts';

const CLIENTS = Object.entries({
  '@apollo/client': apolloClient,
  '@urql/core': urqlClient,
  'graphql-ws': socketClient,
});

describe.each(CLIENTS)('with %s', (_name, createClient) => {
  it('a subscription outlives a restart, and its new snapshot has what changed meanwhile', async () => {
    await using service = await startTestService();
    const token = await service.token('ann');
    await using client = createClient(service, token);
    const inbox = client.watchQuota();
    await inbox.take(1);
    const { id, avatarSessionId } = await startSession(service, token);
    await inbox.take(3);

    await service.stop();
    {
      await using other = await service.anotherNode();
      await endSession(other, token, avatarSessionId);
      await waitFor(async () => !(await readRecord(other, token, id)).stopPending);
      await createToken(other, token);
    }
    await service.restart();
    const [, , , snapshot] = await inbox.take(4);
    expect(snapshot).toMatchObject({
      reason: 'SNAPSHOT',
      quota: { version: firstVersion() + 5, sessionCount: 1 },
      record: null,
    });

    // The unused token, handed out once more.
    const { avatarSessionId: next } = await startSession(service, token);
    await endSession(service, token, next);
    const changes = (await inbox.take(6)).slice(4);
    expect(changes.map(({ reason, quota }) => [reason, quota.version - firstVersion()])).toEqual([
      ['SESSION_STARTED', 6],
      ['SESSION_ENDED', 7],
    ]);
  });
});

it('a service that stops closes its sockets with 1012, which says that it comes back', async () => {
  await using service = await startTestService();
  const closes: number[] = [];
  await using client = socketClient(service, await service.token('ann'), {
    on: { closed: (event) => closes.push((event as { code: number }).code) },
  });
  const inbox = client.watchQuota();
  await inbox.take(1);
  await service.restart();
  await inbox.take(2);
  expect(closes[0]).toBe(1012);
});

it('a restart in the middle of a session loses none of its time', async () => {
  await using service = await startTestService();
  const token = await service.token('ann');
  const { avatarSessionId, startedAt } = await startSession(service, token);
  await service.restart();
  const { record } = await endSession(service, token, avatarSessionId);
  expect(record).toMatchObject({ startedAt, status: 'COMPLETED', endReason: 'USER_ENDED' });
  expect(record.durationSeconds).toBeGreaterThanOrEqual(1);
});
