import { afterAll, beforeAll, expect, it } from 'vitest';
import { socketClient } from '../support/clients.ts';
import { createRunningClock } from '../support/clock.ts';
import { createToken, endSession, type QuotaMessage, readRecord, startSession } from '../support/operations.ts';
import { post, startTestService, type TestService } from '../support/service.ts';
import { openStream } from '../support/sse.ts';
import { firstVersion } from '../support/versions.ts';
import { waitFor } from '../support/wait-for.ts';

/** Midnight in Berlin, whose winter is an hour ahead of UTC; this long after the service starts. */
const MONTH_END = new Date('2026-11-30T23:00:00.000Z');
const TIME_TO_MONTH_END_MS = 15_000;

const NOVEMBER = firstVersion(new Date('2026-11-01'));
const DECEMBER = firstVersion(new Date('2026-12-01'));

let service: TestService;
const clock = createRunningClock(new Date(MONTH_END.getTime() - TIME_TO_MONTH_END_MS).toISOString());
beforeAll(async () => {
  service = await startTestService({ BILLING_TIME_ZONE: 'Europe/Berlin' }, { clock });
});
afterAll(() => service[Symbol.asyncDispose]());

it.concurrent('a client without a session receives the start of the month', async () => {
  const token = await service.token('ann');
  await using client = socketClient(service, token);
  await using stream = await openStream(service, token);
  const inbox = client.watchQuota();
  await inbox.take(1);
  const { avatarSessionId } = await startSession(service, token);
  await endSession(service, token, avatarSessionId);
  expect(clock() < MONTH_END).toBe(true);

  const messages = await inbox.take(6);
  expect(messages.map(({ reason, quota }) => [reason, quota.period, quota.version])).toEqual([
    ['SNAPSHOT', '2026-11', NOVEMBER],
    ['TOKEN_CREATED', '2026-11', NOVEMBER + 1],
    ['SESSION_STARTED', '2026-11', NOVEMBER + 2],
    ['SESSION_ENDED', '2026-11', NOVEMBER + 3],
    ['HOLD_RELEASED', '2026-11', NOVEMBER + 4],
    ['PERIOD_STARTED', '2026-12', DECEMBER],
  ]);
  expectAtMonthEnd(messages[5]);
  expect(messages[5]).toMatchObject({
    record: null,
    quota: { usedSeconds: 0, heldSeconds: 0, availableSeconds: 3600 },
  });
  const [, , , , , event] = await stream.events.take(6);
  expect(event?.data?.data?.quotaUpdated).toMatchObject({ reason: 'PERIOD_STARTED', quota: { version: DECEMBER } });

  // and goes on in it
  await createToken(service, token);
  expect((await inbox.take(7)).at(-1)).toMatchObject({
    reason: 'TOKEN_CREATED',
    quota: { period: '2026-12', version: DECEMBER + 1 },
  });
});

it.concurrent('a client that has not used anything receives it as well', async () => {
  await using client = socketClient(service, await service.token('bob'));
  const messages = await client.watchQuota().take(2);
  expect(messages.map(({ reason, quota }) => [reason, quota.period, quota.version])).toEqual([
    ['SNAPSHOT', '2026-11', NOVEMBER],
    ['PERIOD_STARTED', '2026-12', DECEMBER],
  ]);
  expectAtMonthEnd(messages[1]);
});

it.concurrent('a session that runs over the month’s end goes on, its seconds in both months', async () => {
  const token = await service.token('carol');
  await using client = socketClient(service, token);
  const inbox = client.watchQuota();
  await inbox.take(1);
  const { id, avatarSessionId, startedAt, expiresAt } = await startSession(service, token);
  const begun = Date.parse(startedAt);
  expect(begun).toBeLessThan(MONTH_END.getTime());

  const begin = await inbox.find(({ reason }) => reason === 'PERIOD_STARTED');
  expectAtMonthEnd(begin);
  expect(begin).toMatchObject({ record: { id, status: 'ACTIVE', startedAt, expiresAt }, quota: { period: '2026-12' } });
  expect(await readRecord(service, token, id)).toMatchObject({ status: 'ACTIVE', expiresAt });

  const { record } = await endSession(service, token, avatarSessionId);
  expect(record).toMatchObject({ status: 'COMPLETED', endReason: 'USER_ENDED' });
  expect(record.durationSeconds).toBe(Math.ceil((Date.parse(record.endedAt ?? '') - begun) / 1000));

  await waitFor(async () => !(await readRecord(service, token, id)).stopPending);
  const { body } = await post<Record<string, { period: string; usedSeconds: number; heldSeconds: number }>>(
    service,
    token,
    `query { now: quota { ...Use } old: quota(period: "2026-11") { ...Use } new: quota(period: "2026-12") { ...Use } }
    fragment Use on Quota { period usedSeconds heldSeconds }`,
  );
  const inNovember = Math.ceil((MONTH_END.getTime() - begun) / 1000);
  const inDecember = record.durationSeconds - inNovember;
  // A stop that is confirmed late leaves the seconds since the end held.
  const late = body.data?.now?.heldSeconds ?? Number.NaN;
  expect(late).toBeLessThan(10);
  expect(body.data).toEqual({
    now: { period: '2026-12', usedSeconds: inDecember, heldSeconds: late },
    old: { period: '2026-11', usedSeconds: inNovember, heldSeconds: 0 },
    new: { period: '2026-12', usedSeconds: inDecember, heldSeconds: late },
  });

  const messages = await inbox.take(5);
  expect(messages.map(({ reason, quota }) => [reason, quota.version])).toEqual([
    ['SNAPSHOT', NOVEMBER],
    ['TOKEN_CREATED', NOVEMBER + 1],
    ['SESSION_STARTED', NOVEMBER + 2],
    ['PERIOD_STARTED', DECEMBER + 1],
    ['SESSION_ENDED', DECEMBER + 2],
  ]);
});

function expectAtMonthEnd(message: QuotaMessage | undefined): void {
  const late = Date.parse(message?.at ?? '') - MONTH_END.getTime();
  expect(late).toBeGreaterThanOrEqual(0);
  expect(late).toBeLessThan(2_000);
}
