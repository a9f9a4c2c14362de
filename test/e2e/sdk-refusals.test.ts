import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestClock } from '../support/clock.ts';
import { expectNoInternals } from '../support/leaks.ts';
import { createToken, endSession, type RecordData } from '../support/operations.ts';
import { cutOff } from '../support/outage.ts';
import { callSdk, SDK_CALLS } from '../support/sdk-calls.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { bearersAtVendor } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

const clock = createTestClock();
let service: TestService;
let users = 0;
beforeAll(async () => {
  service = await startTestService({ MAX_SESSION_SECONDS: '120' }, { clock: clock.now });
});
afterAll(() => service[Symbol.asyncDispose]());

/** A token of a user of its own. */
async function newToken(): Promise<{ user: string; token: string; record: RecordData }> {
  users += 1;
  const user = await service.token(`user-${users}`);
  return { user, ...(await createToken(service, user)) };
}

async function runningToken() {
  const created = await newToken();
  await callSdk(service, 'start', created.token);
  return created;
}

describe('a token that is refused never reaches the vendor', () => {
  it.each(SDK_CALLS)('%s of an unknown one is 401 and says to ask for one', async (call) => {
    const answer = await callSdk(service, call, 'eyJ.unknown.token');
    expect(answer).toMatchObject({
      status: 401,
      body: { code: 401, data: null, message: expect.stringContaining('Ask for one with createToken.') },
    });
    expect(bearersAtVendor(service, 'eyJ.unknown.token')).toBe(0);
  });

  it('a user’s own JWT is no session token', async () => {
    expect(await callSdk(service, 'start', await service.token('ann'))).toMatchObject({ status: 401 });
  });

  it.each<[string, () => Promise<string>]>([
    [
      'superseded',
      async () => {
        const { user, token, record } = await newToken();
        await createToken(service, user, { sessionId: record.sessionId, avatarName: 'anna' });
        return token;
      },
    ],
    [
      'not used in time',
      async () => {
        const { token } = await newToken();
        clock.advance(300);
        return token;
      },
    ],
    [
      'past the deadline of its session',
      async () => {
        const { token } = await runningToken();
        clock.advance(120);
        return token;
      },
    ],
    [
      'of a session that its user has ended',
      async () => {
        const { user, token, record } = await runningToken();
        await endSession(service, user, record.avatarSessionId);
        return token;
      },
    ],
  ])('one that is %s is 410 at start and keep-alive; its stop is a success', async (_state, prepare) => {
    const token = await prepare();
    const before = bearersAtVendor(service, token);
    for (const call of ['start', 'keep-alive'] as const) {
      expect(await callSdk(service, call, token)).toMatchObject({
        status: 410,
        body: { code: 410, data: null, message: expect.stringContaining('Ask for a new token with createToken.') },
      });
    }
    expect(await callSdk(service, 'stop', token)).toMatchObject({ status: 200, body: { code: 1000 } });
    expect(bearersAtVendor(service, token)).toBe(before);
  });

  it('keep-alive before the start is 409', async () => {
    const { token } = await newToken();
    expect(await callSdk(service, 'keep-alive', token)).toMatchObject({ status: 409, body: { code: 409, data: null } });
    expect(bearersAtVendor(service, token)).toBe(0);
  });
});

it('without the database every call is 503, and the vendor is not reached', async () => {
  const { token } = await newToken();
  const { token: running } = await runningToken();
  const before = [bearersAtVendor(service, token), bearersAtVendor(service, running)];
  {
    await using _outage = await cutOff(service.database);
    for (const call of SDK_CALLS) {
      for (const each of [token, running]) {
        const { status, headers, body } = await callSdk(service, call, each);
        expect({ status, retryAfter: headers.get('retry-after'), body }).toMatchObject({
          status: 503,
          retryAfter: '5',
          body: { code: 503, data: null, message: expect.stringContaining('Try again in a few seconds.') },
        });
        expectNoInternals(JSON.stringify(body));
      }
    }
    expect([bearersAtVendor(service, token), bearersAtVendor(service, running)]).toEqual(before);
  }
  await waitFor(async () => (await callSdk(service, 'keep-alive', running)).status === 200);
  expect(await callSdk(service, 'start', token)).toMatchObject({ status: 201 });
});

it('a token of another vendor’s time is not passed on', async () => {
  const { token, record } = await newToken();
  await service.database.query(`UPDATE avatar_usage_records SET vendor = 'simulator' WHERE avatar_session_id = $1`, [
    record.avatarSessionId,
  ]);
  expect(await callSdk(service, 'start', token)).toMatchObject({ status: 401 });
  expect(bearersAtVendor(service, token)).toBe(0);
});
