import { describe, expect, it } from 'vitest';
import { socketClient } from '../support/clients.ts';
import { startSession } from '../support/operations.ts';
import { startTestService } from '../support/service.ts';

/** A session that may run a second longer than the notice before its end. */
const settingsFor = (notice: number) => ({ MAX_SESSION_SECONDS: String(notice + 1), MIN_SESSION_SECONDS: '1' });

describe.concurrent.each([15, 60])('%i seconds before its end', (notice) => {
  it('a session is said to end soon, to every client of its user', async () => {
    await using service = await startTestService(settingsFor(notice));
    const token = await service.token('ann');
    await using client = socketClient(service, token);
    await using other = socketClient(service, token);
    const inboxes = [client.watchQuota(), other.watchQuota()];
    await Promise.all(inboxes.map((inbox) => inbox.take(1)));

    const { id, expiresAt } = await startSession(service, token);
    const tellAt = Date.parse(expiresAt ?? '') - notice * 1000;
    for (const inbox of inboxes) {
      const { record, at, arrivedAt } = await inbox.find(({ reason }) => reason === 'SESSION_ENDING_SOON');
      expect(record).toMatchObject({ id, status: 'ACTIVE', endReason: null, expiresAt });
      expect(Date.parse(at)).toBeGreaterThanOrEqual(tellAt);
      expect(arrivedAt).toBeGreaterThanOrEqual(tellAt);
      expect(arrivedAt - tellAt).toBeLessThan(1_000);
    }
  });
});

it.concurrent('it is said once, and the session ends when it was said to', async () => {
  await using service = await startTestService(settingsFor(15));
  const token = await service.token('ann');
  await using client = socketClient(service, token);
  const inbox = client.watchQuota();
  await inbox.take(1);
  const { id, expiresAt } = await startSession(service, token);
  const { record } = await inbox.find(({ reason }) => reason === 'SESSION_ENDED');
  expect(record).toMatchObject({ id, endReason: 'DEADLINE_REACHED', endedAt: expiresAt, durationSeconds: 16 });
  expect(inbox.messages.map(({ reason }) => reason)).toEqual([
    'SNAPSHOT',
    'TOKEN_CREATED',
    'SESSION_STARTED',
    'SESSION_ENDING_SOON',
    'SESSION_ENDED',
  ]);
});
