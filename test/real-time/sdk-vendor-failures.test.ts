import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/vendors/simulator/faults.ts';
import {
  createToken,
  endSession,
  type RecordData,
  readQuota,
  readRecord,
  USAGE_HISTORY,
} from '../support/operations.ts';
import { callSdk } from '../support/sdk-calls.ts';
import { post, startTestService, type TestService } from '../support/service.ts';
import { callsTo, KEEP_ALIVE, START, STOP } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

const CONCURRENCY = { code: 4003, data: null, message: 'Session concurrency limit reached' };
const INVALID = { detail: [{ loc: ['body', 'avatar_id'], msg: 'Field required', type: 'missing' }] };

/** What befalls a call at the vendor, and the status and body that its caller gets. */
const FAILURES: [string, Omit<Fault, 'path'>, number, object | null][] = [
  ['does not answer', { hang: true }, 504, null],
  ['is at its limit of sessions', { status: 403, body: CONCURRENCY }, 403, CONCURRENCY],
  ['does not know the token', { status: 401, body: { code: 4001, data: null } }, 401, { code: 4001, data: null }],
  ['finds the request invalid', { status: 422, body: INVALID }, 422, INVALID],
  ['asks for patience', { status: 429, headers: { 'retry-after': '7' }, body: { code: 4290 } }, 429, { code: 4290 }],
  ['refuses with a success’s status', { status: 200, body: CONCURRENCY }, 200, CONCURRENCY],
  ['fails', { status: 500 }, 500, null],
  ['answers garbage', { status: 200, body: '<html>Welcome</html>' }, 502, null],
  ['points elsewhere', { status: 302, headers: { location: 'https://elsewhere.example' } }, 502, null],
  ['hangs up in the middle of its answer', { closeMidAnswer: true }, 502, null],
];

/** Refusals after which the same token cannot be started. */
const isFinal = (status: number) => status === 401 || status === 422;

/** A token whose start the vendor has refused, and what the vendor's refusal has cost: nothing. */
async function refusedStart(service: TestService, user: string, [, fault, status, body]: (typeof FAILURES)[number]) {
  const created = await createToken(service, user);
  service.simulator.failNext({ path: START, ...fault });
  const answer = await callSdk(service, 'start', created.token);
  expect(answer.status).toBe(status);
  expect(answer.body).toEqual(
    body ?? { code: status, data: null, message: expect.stringMatching(/nothing is charged\. Try again/) },
  );
  expect(answer.headers.get('retry-after')).toBe(status === 429 ? '7' : null);
  // what the vendor or the network said is the operator's
  expect(await service.database.query('SELECT error_message FROM avatar_usage_records')).toMatchObject([
    { error_message: expect.stringMatching(/^LiveAvatar POST \/v1\/sessions\/start /) },
  ]);
  // the vendor may still start the token
  expect(await readQuota(service, user)).toMatchObject({ usedSeconds: 0, heldSeconds: 1800, availableSeconds: 1800 });
  return created;
}

const shown = async (service: TestService, user: string) => (await post(service, user, USAGE_HISTORY)).body.data;

describe.concurrent.each(FAILURES.filter(([, , status]) => !isFinal(status)))('a vendor that %s', (...failure) => {
  it('at the start leaves the token unused, which can be started again', async () => {
    await using service = await startTestService();
    const user = await service.token('ann');
    const { token, record } = await refusedStart(service, user, failure);
    const unused = { status: 'RESERVED', endReason: null, durationSeconds: 0, errorMessage: null };
    expect(await shown(service, user)).toMatchObject({ usageHistory: { edges: [{ node: unused }] } });
    expect(callsTo(service, STOP)).toEqual([]);

    // one that hung up has started it
    expect((await callSdk(service, 'start', token)).status).toBe(failure[1].closeMidAnswer ? 400 : 201);
    expect(await readRecord(service, user, record.id)).toMatchObject({ status: 'ACTIVE' });
  });
});

describe.concurrent.each(FAILURES.filter(([, , status]) => isFinal(status)))('a vendor that %s', (...failure) => {
  it('at the start ends the session, which costs nothing, and is asked to stop it', async () => {
    await using service = await startTestService();
    const user = await service.token('ann');
    const { token, record } = await refusedStart(service, user, failure);
    expect(await shown(service, user)).toMatchObject({
      usageHistory: {
        edges: [
          {
            node: {
              status: 'ERROR',
              endReason: 'VENDOR_ERROR',
              durationSeconds: 0,
              errorMessage: expect.stringMatching(
                /^The avatar service did not start this session\. Ask for a new token/,
              ),
            },
          },
        ],
      },
    });
    await waitFor(async () => callsTo(service, STOP, record.avatarSessionId).length > 0);

    // as the SDK does after a start that failed; and the token is of no more use
    expect(await callSdk(service, 'stop', token)).toMatchObject({ status: 200, body: { code: 1000 } });
    expect(await callSdk(service, 'start', token)).toMatchObject({ status: 410 });
    expect(callsTo(service, START)).toHaveLength(1);
  });
});

describe.concurrent.each(FAILURES)('a vendor that %s', (_name, fault, status, body) => {
  it('at a second start or a keep-alive changes nothing here', async () => {
    await using service = await startTestService();
    const user = await service.token('ann');
    const { token, record } = await createToken(service, user);
    await callSdk(service, 'start', token);
    service.simulator.failNext({ path: START, ...fault });
    service.simulator.failNext({ path: KEEP_ALIVE, ...fault });
    const answers = await Promise.all([callSdk(service, 'start', token), callSdk(service, 'keep-alive', token)]);
    expect(answers.map((answer) => answer.status)).toEqual([status, status]);
    expect(await readRecord(service, user, record.id)).toMatchObject({ status: 'ACTIVE' });
  });

  it('at the stop ends the session here, and is asked again until it confirms', async () => {
    await using service = await startTestService();
    const user = await service.token('ann');
    const { token, record } = await createToken(service, user);
    await callSdk(service, 'start', token);
    // the caller's call and the outbox's: whichever comes first
    service.simulator.failNext({ path: STOP, ...fault, times: 2 });

    const { status: answered, body: envelope } = await callSdk(service, 'stop', token);

    expect(answered).toBe(status);
    if (body === null) expect(envelope.message).toMatch(/^The session has ended here\./);
    expect(await readRecord(service, user, record.id)).toMatchObject({ status: 'COMPLETED', endReason: 'USER_ENDED' });
    await waitFor(async () => !(await readRecord(service, user, record.id)).stopPending);
    expect(service.simulator.sessions()).toMatchObject([{ endReason: expect.any(String) }]);
  });
});

it.concurrent.each<[string, (service: TestService, user: string, record: RecordData) => Promise<unknown>]>([
  ['ended by its user', (service, user, record) => endSession(service, user, record.avatarSessionId)],
  ['superseded', (service, user, { sessionId }) => createToken(service, user, { sessionId })],
])('a session that is %s while the vendor starts it is not given to the page, and stopped', async (_how, end) => {
  await using service = await startTestService();
  const user = await service.token('ann');
  const { token, record } = await createToken(service, user);
  const { promise: atVendor, resolve: goOn } = Promise.withResolvers<void>();
  service.simulator.failNext({ path: START, until: atVendor });
  const started = callSdk(service, 'start', token);
  await waitFor(async () => callsTo(service, START).length > 0);
  await end(service, user, record);
  // the vendor knows of no session yet, and so confirms that it does not run
  await waitFor(async () => !(await readRecord(service, user, record.id)).stopPending);
  goOn();

  expect(await started).toMatchObject({ status: 410, body: { code: 410, data: null } });
  const atTheVendor = () => service.simulator.sessions().find(({ id }) => id === record.avatarSessionId);
  await waitFor(async () => atTheVendor()?.endedAt !== null);
  expect(callsTo(service, STOP, record.avatarSessionId ?? '')).toHaveLength(2);
});

it.concurrent('no token that the vendor quotes is stored or passed on', async () => {
  await using service = await startTestService();
  const { token } = await createToken(service, await service.token('ann'));
  service.simulator.failNext({ path: START, status: 400, body: { code: 4000, message: `Bad token ${token}` } });
  await callSdk(service, 'start', token);
  expect(await service.database.query('SELECT error_message FROM avatar_usage_records')).toEqual([
    { error_message: 'LiveAvatar POST /v1/sessions/start answered 400: Bad token [token]' },
  ]);
});
