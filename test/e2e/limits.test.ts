import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { socketClient } from '../support/clients.ts';
import { runCommand } from '../support/command.ts';
import { createToken, endSession, type RecordData, readRecord, startSession } from '../support/operations.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { callsTo, STOP } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

const COMMAND_MS = 60_000;

let service: TestService;
beforeAll(async () => {
  // a cent a second: what a session has used is never rounded
  service = await startTestService({ PRICE_PER_MINUTE: '0.60' });
});
afterAll(() => service[Symbol.asyncDispose]());

/** `npm run quota` with these limits, which must succeed. Returns the quota that it prints. */
async function setLimits(userId: string, ...limits: string[]): Promise<Record<string, unknown>> {
  const args = ['--user', userId, ...limits, '--json'];
  const { exitCode, stdout } = await runCommand('quota', args, service.environment);
  expect(exitCode).toBe(0);
  return JSON.parse(stdout);
}

/** A user with a running session of half an hour, the largest grant, and a client that watches the quota. */
async function runSession(userId: string) {
  const token = await service.token(userId);
  const record = await startSession(service, token);
  const client = socketClient(service, token);
  const inbox = client.watchQuota();
  await inbox.take(1);
  return {
    token,
    record,
    inbox,
    changes: async (count: number) => (await inbox.take(count + 1)).slice(1),
    expiresAfter: async () => secondsUntilEnd(await readRecord(service, token, record.id)),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

function secondsUntilEnd({ startedAt, expiresAt }: RecordData): number | null {
  return expiresAt === null ? null : (Date.parse(expiresAt) - Date.parse(startedAt)) / 1000;
}

describe.concurrent('a limit that is changed by the command', { timeout: COMMAND_MS }, () => {
  it('is pushed, and a running session’s end follows it down, up, and no further than the vendor’s cap', async () => {
    await using ann = await runSession('ann');
    expect(await ann.expiresAfter()).toBe(1800);

    expect(await setLimits('ann', '--minutes', '10')).toMatchObject({ limitMinutes: 10, limitCost: '50.00' });
    expect((await ann.changes(1)).at(-1)).toMatchObject({
      reason: 'LIMIT_CHANGED',
      quota: { limitMinutes: 10, availableSeconds: 0 },
      record: null,
    });
    expect(await ann.expiresAfter()).toBe(600);

    expect(await setLimits('ann', '--cost', '3.0')).toMatchObject({ limitMinutes: 10, limitCost: '3.00' });
    await ann.changes(2);
    expect(await ann.expiresAfter()).toBe(300);

    await setLimits('ann', '--minutes', '90', '--cost', '100');
    expect((await ann.changes(3)).map(({ reason }) => reason)).toEqual(Array(3).fill('LIMIT_CHANGED'));
    expect(await ann.expiresAfter()).toBe(1800);
    expect(callsTo(service, STOP, ann.record.avatarSessionId)).toEqual([]);
  });

  it('to less than what is used ends the session, at the vendor too', async () => {
    await using bob = await runSession('bob');
    await setLimits('bob', '--minutes', '0');
    const { record, quota } = await bob.inbox.find(({ reason }) => reason === 'SESSION_ENDED');
    expect(record).toMatchObject({ id: bob.record.id, status: 'COMPLETED', endReason: 'DEADLINE_REACHED' });
    expect(quota).toMatchObject({ limitMinutes: 0, usedSeconds: record?.durationSeconds, heldSeconds: 0 });
    const reasons = bob.inbox.messages.map(({ reason }) => reason);
    expect(reasons.indexOf('LIMIT_CHANGED')).toBeLessThan(reasons.indexOf('LIMIT_REACHED'));
    await waitFor(async () => callsTo(service, STOP, bob.record.avatarSessionId).length > 0);
    expect(await createToken(service, bob.token)).toMatchObject({ code: 'QUOTA_EXCEEDED' });
  });

  it('can be set before the user’s first call', async () => {
    const name = 'Çelik, née O’Neill';
    expect(await setLimits(name, '--minutes', '2')).toMatchObject({
      userId: name,
      limitMinutes: 2,
      limitCost: '50.00',
    });
    expect(await createToken(service, await service.token(name))).toMatchObject({ maxDurationSeconds: 120 });
  });

  it('switches a quota off, which running sessions outlast, and on again', async () => {
    await using carol = await runSession('carol');
    expect(await setLimits('carol', '--active', 'off')).toMatchObject({ isActive: false });
    expect(await carol.changes(1)).toMatchObject([{ reason: 'LIMIT_CHANGED' }]);
    expect(await carol.expiresAfter()).toBe(1800);
    await endSession(service, carol.token, carol.record.avatarSessionId);
    expect(await createToken(service, carol.token)).toMatchObject({ code: 'QUOTA_INACTIVE' });
    await setLimits('carol', '--active', 'on');
    expect(await createToken(service, carol.token)).toMatchObject({ __typename: 'CreateTokenSuccess' });
  });
});

it.concurrent('a limit that is changed by plain SQL is followed within a second', async () => {
  await using dave = await runSession('dave');
  for (const minutes of [5, 20]) {
    await service.database.query(`UPDATE usage_quotas SET monthly_limit_minutes = ${minutes} WHERE user_id = 'dave'`);
    const updatedAt = Date.now();
    const { reason, arrivedAt } = await dave.inbox.find(({ quota }) => quota.limitMinutes === minutes);
    expect(reason).toBe('LIMIT_CHANGED');
    expect(arrivedAt - updatedAt).toBeLessThan(1_000);
    expect(await dave.expiresAfter()).toBe(minutes * 60);
  }
  await service.database.query(`UPDATE usage_quotas SET monthly_limit_cost = 0 WHERE user_id = 'dave'`);
  const { record } = await dave.inbox.find(({ reason }) => reason === 'SESSION_ENDED');
  expect(record).toMatchObject({ id: dave.record.id, endReason: 'DEADLINE_REACHED' });
  await waitFor(async () => callsTo(service, STOP, dave.record.avatarSessionId).length > 0);
});
