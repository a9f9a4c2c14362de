import { describe, it } from 'vitest';
import { apolloClient, socketClient } from '../support/clients.ts';
import { createToken, type QuotaMessage, startSession } from '../support/operations.ts';
import { startTestService } from '../support/service.ts';

/** One unit a second and five of them: a session may run for five seconds, and 80 % are used after four. */
const FIVE_SECONDS = { PRICE_PER_MINUTE: '60', DEFAULT_MONTHLY_LIMIT_COST: '5', MIN_SESSION_SECONDS: '1' };

describe.concurrent.each(['UTC', 'America/New_York'])('on a database in %s', (timeZone) => {
  it('a running session warns every client of its user at 80 % and ends at the limit', async ({ expect }) => {
    await using service = await startTestService(FIVE_SECONDS, { timeZone });
    const token = await service.token('ann');
    await using apollo = apolloClient(service, token);
    await using socket = socketClient(service, token);
    await using stranger = socketClient(service, await service.token('bob'));
    const inboxes = [apollo.watchQuota(), socket.watchQuota()];
    const foreign = stranger.watchQuota();
    await Promise.all([...inboxes, foreign].map((inbox) => inbox.take(1)));

    const session = await startSession(service, token);
    const startedAt = Date.parse(session.startedAt);
    const warnings = await Promise.all(inboxes.map((inbox) => inbox.find(isWarning)));

    // a client that connects later receives the warning in its first message, and not again
    await using late = socketClient(service, token);
    const lateInbox = late.watchQuota();
    expect(await lateInbox.take(1)).toMatchObject([{ reason: 'SNAPSHOT', warning: { level: 'APPROACHING_LIMIT' } }]);

    for (const warning of warnings) {
      expect(warning).toMatchObject({
        record: null,
        warning: {
          level: 'APPROACHING_LIMIT',
          limit: 'COST',
          thresholdPercent: 80,
          crossedAt: new Date(startedAt + 4000).toISOString(),
          message: expect.stringMatching(/^You have used 4\.\d\d of 5\.00 USD this month\.$/),
        },
      });
      expect(warning.arrivedAt - startedAt).toBeGreaterThanOrEqual(4000);
      expect(warning.arrivedAt - startedAt).toBeLessThan(5000);
    }

    for (const inbox of [...inboxes, lateInbox]) {
      const ended = await inbox.find(({ reason }) => reason === 'SESSION_ENDED');
      expect(ended.record).toMatchObject({ id: session.id, endReason: 'DEADLINE_REACHED', durationSeconds: 5 });
      const reached = await inbox.find(({ reason }) => reason === 'LIMIT_REACHED');
      expect(reached.warning).toMatchObject({ level: 'LIMIT_REACHED', limit: 'COST', thresholdPercent: 100 });
      expect(reached.arrivedAt - startedAt).toBeGreaterThanOrEqual(5000);
      expect(reached.arrivedAt - startedAt).toBeLessThan(6000);
    }
    expect(await createToken(service, token)).toMatchObject({ __typename: 'QuotaExceededError' });

    // bob's own act is the next that bob hears: nothing of ann's came before it
    await createToken(service, await service.token('bob'));
    expect((await foreign.take(2)).map(({ reason }) => reason)).toEqual(['SNAPSHOT', 'TOKEN_CREATED']);
    expect([...inboxes, lateInbox].map((inbox) => inbox.messages.filter(isWarning).length)).toEqual([1, 1, 0]);
    expect(inboxes.map((inbox) => isGrowing(inbox.messages))).toEqual([true, true]);
  });
});

function isWarning({ reason }: QuotaMessage): boolean {
  return reason === 'WARNING';
}

function isGrowing(messages: readonly QuotaMessage[]): boolean {
  return messages.every(({ quota }, index) => index === 0 || quota.version > (messages[index - 1]?.quota.version ?? 0));
}
