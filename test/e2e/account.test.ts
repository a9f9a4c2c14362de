import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/vendors/simulator/faults.ts';
import { readMetrics } from '../support/metrics.ts';
import { createToken, endSession, QUOTA, startSession } from '../support/operations.ts';
import { post, startTestService, type TestService } from '../support/service.ts';
import { callsTo, MINT, STOP } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

const CAN_CREATE = '{ canCreateSession { allowed reason message maxDurationSeconds fallback } }';

function balanceCalls({ simulator }: TestService): number {
  return simulator.requests().filter(({ path }) => path === '/v1/users/credits').length;
}

async function permission(service: TestService, token: string) {
  const { body } = await post<{ canCreateSession: { allowed: boolean } }>(service, token, CAN_CREATE);
  return body.data?.canCreateSession;
}

it('a token for which the account has no budget is refused, the user’s own quota as it was', async () => {
  await using service = await startTestService({ ACCOUNT_MONTHLY_COST_LIMIT: '15.49', METRICS: 'on' });
  const bob = await service.token('bob');
  expect(await permission(service, bob)).toMatchObject({ allowed: true, maxDurationSeconds: 1800 });
  await createToken(service, await service.token('ann'));

  const refused = {
    code: 'ACCOUNT_LIMIT_REACHED',
    message: expect.stringMatching(/^The monthly budget of this service .+\.$/),
  };
  expect(await createToken(service, bob)).toMatchObject({
    __typename: 'QuotaExceededError',
    ...refused,
  });
  expect((await post(service, bob, QUOTA)).body.data).toMatchObject({
    quota: { heldSeconds: 0, availableSeconds: 3600 },
  });
  expect(await permission(service, bob)).toMatchObject({
    allowed: false,
    reason: refused.code,
    message: refused.message,
    fallback: 'STATIC_AVATAR',
  });
  expect(callsTo(service, MINT)).toHaveLength(1);
  expect(await readMetrics(service)).toMatchObject({ account_cost: 15 });
});

it('of 500 users who ask two nodes at the same moment, as many are let in as the account has room for', async () => {
  await using service = await startTestService({ ACCOUNT_MONTHLY_COST_LIMIT: '150' });
  await using other = await service.anotherNode();
  const tokens = await Promise.all(Array.from({ length: 500 }, (_, user) => service.token(`user-${user}`)));
  const answers = await Promise.all(
    tokens.map((token, user) => createToken(user % 2 === 0 ? service : { ...service, url: other.url }, token)),
  );
  const granted = answers.filter(({ __typename }) => __typename === 'CreateTokenSuccess');
  expect(granted).toHaveLength(10);
  const rest = answers.filter((answer) => !granted.includes(answer));
  expect(rest).toEqual(Array(490).fill(expect.objectContaining({ code: 'ACCOUNT_LIMIT_REACHED' })));
  expect(callsTo(service, MINT)).toHaveLength(10);
});

it('a place that the account does not have is there again when the vendor has confirmed the end of a session', async () => {
  await using service = await startTestService({ ACCOUNT_MAX_CONCURRENT_SESSIONS: '1' });
  const [ann, bob] = [await service.token('ann'), await service.token('bob')];
  const { avatarSessionId } = await startSession(service, ann);
  expect(await createToken(service, bob)).toMatchObject({
    __typename: 'QuotaExceededError',
    code: 'ACCOUNT_CONCURRENCY_LIMIT',
  });
  expect(await permission(service, bob)).toMatchObject({ allowed: false, reason: 'ACCOUNT_CONCURRENCY_LIMIT' });
  await endSession(service, ann, avatarSessionId);
  await waitFor(async () => (await permission(service, bob))?.allowed === true);
  expect(callsTo(service, STOP, avatarSessionId)).toHaveLength(1);
  expect(await createToken(service, bob)).toMatchObject({ __typename: 'CreateTokenSuccess' });
});

it('a conversation that takes the account’s last place may begin again, as predicted', async () => {
  await using service = await startTestService({
    ACCOUNT_MAX_CONCURRENT_SESSIONS: '1',
    ACCOUNT_MONTHLY_COST_LIMIT: '15',
  });
  const ann = await service.token('ann');
  const { record } = await createToken(service, ann);
  const ask = `query ($id: ID!) { canCreateSession(sessionId: $id) { allowed reason maxDurationSeconds } }`;
  const { body } = await post(service, ann, ask, { id: record.sessionId });
  expect(body.data).toEqual({ canCreateSession: { allowed: true, reason: null, maxDurationSeconds: 1800 } });
  expect(await createToken(service, ann, { sessionId: record.sessionId })).toMatchObject({ maxDurationSeconds: 1800 });
});

it('every node logs that the account has reached a threshold', async () => {
  const lines: { msg: string; thresholdPercent?: number }[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => lines.push(JSON.parse(line)) });
  await using service = await startTestService({ ACCOUNT_MONTHLY_COST_LIMIT: '18' }, { log });
  await using _other = await service.anotherNode();
  await createToken(service, await service.token('ann'));
  await waitFor(async () => lines.length >= 2);
  expect(lines).toMatchObject(Array(2).fill({ thresholdPercent: 80, msg: 'Account threshold reached' }));
});

it('a vendor whose credits do not cover the shortest session is not asked for a token', async () => {
  let now = Date.parse('2026-11-10T12:00:00Z');
  const clock = () => new Date(now);
  await using service = await startTestService(
    { METRICS: 'on', MIN_SESSION_SECONDS: '90' },
    { credits: '3.999999', clock },
  );
  const ann = await service.token('ann');
  // the balance is asked for beside the first call
  expect(await createToken(service, ann)).toMatchObject({ __typename: 'CreateTokenSuccess' });
  await waitFor(async () => (await readMetrics(service)).vendor_credits === 3.999999);

  const refused = { code: 'VENDOR_NO_FUNDS', message: expect.stringMatching(/credits/) };
  expect(await createToken(service, ann)).toMatchObject({
    __typename: 'VendorError',
    ...refused,
    fallback: 'STATIC_AVATAR',
  });
  expect(await permission(service, ann)).toMatchObject({ allowed: false, reason: refused.code });
  expect(callsTo(service, MINT)).toHaveLength(1);
  expect(balanceCalls(service)).toBe(1);
  // not asked at each call, but again after a while
  now += 6_000;
  expect(await createToken(service, ann)).toMatchObject({ __typename: 'VendorError' });
  expect(balanceCalls(service)).toBe(2);
});

describe.each<[string, Partial<Fault>]>([
  ['fails', { status: 500 }],
  ['answers garbage', { status: 200, body: 'lots' }],
  ['names no number', { status: 200, body: { code: 1000, data: { credits_left: 'lots' } } }],
  ['names a number beyond all bounds', { status: 200, body: { code: 1000, data: { credits_left: 1e30 } } }],
])('a vendor whose balance %s', (_what, fault) => {
  it('is asked for tokens, also if it was short of credits before', async () => {
    let now = Date.parse('2026-11-10T12:00:00Z');
    await using service = await startTestService({ METRICS: 'on' }, { credits: '1', clock: () => new Date(now) });
    const ann = await service.token('ann');
    await createToken(service, ann);
    await waitFor(async () => (await readMetrics(service)).vendor_credits === 1);
    now += 6_000;
    service.simulator.failNext({ path: '/v1/users/credits', ...fault });
    expect(await createToken(service, ann)).toMatchObject({ __typename: 'CreateTokenSuccess' });
    expect((await readMetrics(service)).vendor_credits).toBeNaN();
  });
});
