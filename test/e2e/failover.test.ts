import { expect, it } from 'vitest';
import { backUp } from '../support/backup.ts';
import { socketClient } from '../support/clients.ts';
import { createToken, endSession, type QuotaMessage, startSession } from '../support/operations.ts';
import { startTestService } from '../support/service.ts';
import { firstVersion } from '../support/versions.ts';

// A failover to a replica that lags behind, or a restored backup, loses the latest commits.

it('a subscriber receives the state of a database that lost commits, and then every change', async () => {
  await using service = await startTestService();
  const token = await service.token('ann');
  const { avatarSessionId } = await startSession(service, token);
  await using client = socketClient(service, token);
  const inbox = client.watchQuota();
  await inbox.take(1);
  await using backup = await backUp(service.database);
  await inbox.take(2);

  await endSession(service, token, avatarSessionId);
  await createToken(service, token);
  await createToken(service, token, { avatarName: 'anna' });
  await inbox.find(({ quota }) => quota.version === firstVersion() + 7);

  const received = inbox.messages.length;
  await backup.restore();
  const later = (condition: (message: QuotaMessage) => boolean) =>
    inbox.find((message) => inbox.messages.indexOf(message) >= received && condition(message));
  const snapshot = await later(({ reason }) => reason === 'SNAPSHOT');
  expect(snapshot.quota).toMatchObject({ version: firstVersion() + 2, sessionCount: 1 });

  await endSession(service, token, avatarSessionId);
  const change = await later(({ reason }) => reason !== 'SNAPSHOT');
  expect(change).toMatchObject({ reason: 'SESSION_ENDED', quota: { version: firstVersion() + 3 } });
});

it('no node decides on a state that the database has lost', async () => {
  await using service = await startTestService();
  const token = await service.token('ann');
  await using backup = await backUp(service.database);
  await createToken(service, token);
  await backup.restore();
  await using other = await service.anotherNode();
  const created = await createToken(other, token, { sessionId: 'chat' });
  expect((await createToken(service, token, { sessionId: 'chat' })).token).toBe(created.token);
  const records = await service.database.query('SELECT status FROM avatar_usage_records ORDER BY created_at');
  expect(records).toEqual([{ status: 'reserved' }]);
});
