import { describe, expect, it } from 'vitest';
import { CLIENTS } from '../support/clients.ts';
import {
  CREATE_TOKEN,
  QUOTA,
  type RecordData,
  TRACK_END,
  TRACK_HEARTBEAT,
  TRACK_START,
  USAGE_HISTORY,
  USAGE_SUMMARY,
} from '../support/operations.ts';
import { callSdk } from '../support/sdk-calls.ts';
import { conversation, startTestService } from '../support/service.ts';
import { firstVersion } from '../support/versions.ts';

describe.each(Object.entries(CLIENTS))('with %s', (_name, createClient) => {
  it('a session goes from the quota to its summary, each step pushed live', async () => {
    await using service = await startTestService();
    await using client = createClient(service, await service.token('ann'));
    const sessionId = conversation();

    const live = client.watchQuota();
    expect(await live.find(() => true)).toMatchObject({
      reason: 'SNAPSHOT',
      quota: { version: firstVersion() },
      record: null,
    });
    expect(await client.run(QUOTA)).toMatchObject({ quota: { usedSeconds: 0, availableSeconds: 3600 } });

    const { createToken } = await client.run<{ createToken: { token: string; record: RecordData } }>(CREATE_TOKEN, {
      input: { sessionId },
    });
    expect(createToken).toMatchObject({
      __typename: 'CreateTokenSuccess',
      token: expect.stringMatching(/^ey/),
      maxDurationSeconds: 1800,
      heartbeatSeconds: 30,
      record: { status: 'RESERVED', sessionId },
    });
    const { id, avatarSessionId } = createToken.record;
    expect(await callSdk(service, 'start', createToken.token)).toMatchObject({ status: 201 });

    expect(await client.run(TRACK_START, { input: { sessionId, avatarSessionId } })).toMatchObject({
      trackStart: { __typename: 'TrackStartSuccess', record: { id, status: 'ACTIVE' } },
    });
    expect(
      await client.run(TRACK_HEARTBEAT, { input: { avatarSessionId, wordsSpoken: 12, messagesCount: 2 } }),
    ).toMatchObject({ trackHeartbeat: { record: { id, status: 'ACTIVE', wordsSpoken: 12, messagesCount: 2 } } });

    const { trackEnd } = await client.run<{ trackEnd: { record: RecordData } }>(TRACK_END, {
      input: { avatarSessionId, wordsSpoken: 30, messagesCount: 4 },
    });
    const { durationSeconds } = trackEnd.record;
    expect(durationSeconds).toBeLessThan(10);
    expect(trackEnd).toMatchObject({
      record: { id, status: 'COMPLETED', endReason: 'USER_ENDED', wordsSpoken: 30, messagesCount: 4 },
      // The rest of the grant is held until the vendor confirms the stop.
      quota: { usedSeconds: durationSeconds, heldSeconds: 1800 - durationSeconds, availableSeconds: 1800 },
    });

    expect(await client.run(USAGE_HISTORY)).toMatchObject({
      usageHistory: {
        edges: [{ node: { id, status: 'COMPLETED', durationSeconds } }],
        pageInfo: { hasNextPage: false },
      },
    });
    expect(await client.run(USAGE_SUMMARY)).toMatchObject({
      usageSummary: {
        sessionCount: 1,
        completedCount: 1,
        errorCount: 0,
        successRate: 1,
        totalSeconds: durationSeconds,
        wordsSpoken: 30,
        messagesCount: 4,
        byAvatar: [{ avatarName: 'default', sessionCount: 1, totalSeconds: durationSeconds }],
        byDay: [{ sessionCount: 1, totalSeconds: durationSeconds }],
      },
    });

    const messages = await live.take(5);
    expect(messages.map(({ reason, quota, record }) => [reason, quota.version - firstVersion(), record?.id])).toEqual([
      ['SNAPSHOT', 0, undefined],
      ['TOKEN_CREATED', 1, id],
      ['SESSION_STARTED', 2, id],
      ['SESSION_ENDED', 3, id],
      ['HOLD_RELEASED', 4, id],
    ]);
    // A stop that is confirmed late leaves the seconds since the end held until the vendor's figures come.
    const lateSeconds = messages[4]?.quota.heldSeconds ?? Number.NaN;
    expect(lateSeconds).toBeLessThan(10);
    expect(messages[4]?.quota).toMatchObject({
      usedSeconds: durationSeconds,
      availableSeconds: 3600 - durationSeconds - lateSeconds,
    });
  });
});
