import { describe, expect, it } from 'vitest';
import { type AttackingUser, type IssuedToken, startAttack } from '../../support/attack.ts';
import { socketClient } from '../../support/clients.ts';
import { conversation } from '../../support/service.ts';
import { STOP } from '../../support/vendor-calls.ts';
import { waitFor } from '../../support/wait-for.ts';

/** A session that runs at both sides. */
async function startAtBoth(user: AttackingUser, input?: { sessionId: string }): Promise<IssuedToken> {
  const token = await user.take(input);
  expect(await user.callSdk('start', token)).toBe(201);
  return token;
}

describe('while the vendor does not confirm a stop', () => {
  it('place, hold and the account’s share stay; all return when it does, which is pushed', async () => {
    await using attack = await startAttack({
      MAX_SESSION_SECONDS: '60',
      MAX_CONCURRENT_SESSIONS: '2',
      ACCOUNT_MAX_CONCURRENT_SESSIONS: '2',
    });
    const { service } = attack;
    const ann = await attack.user('ann');
    const bob = await attack.user('bob');
    await using client = socketClient(service, ann.jwt);
    const inbox = client.watchQuota();
    await inbox.take(1);
    service.simulator.failNext({ path: STOP, status: 503, times: 2 });
    for (let session = 0; session < 2; session++) await ann.reportEnd(await startAtBoth(ann));

    expect(await ann.quota()).toMatchObject({ usedSeconds: 0, heldSeconds: 120 });
    const answers = await Promise.all(Array.from({ length: 18 }, () => ann.ask()));
    expect(answers).toEqual(
      Array(18).fill(
        expect.objectContaining({
          __typename: 'ConcurrencyLimitError',
          retryAfterSeconds: expect.any(Number),
          message: expect.stringContaining('still being stopped'),
        }),
      ),
    );
    expect(await bob.ask()).toMatchObject({ code: 'ACCOUNT_CONCURRENCY_LIMIT' });
    expect(attack.runningAtVendor()).toBe(2);
    await attack.expectCovered(3600);

    await attack.advance(10);
    const released = await inbox.find(({ reason, quota }) => reason === 'HOLD_RELEASED' && quota.heldSeconds < 60);
    expect(released.record).toMatchObject({ status: 'COMPLETED', stopPending: false });
    expect(attack.runningAtVendor()).toBe(0);
    // The seconds that the vendor streamed past the end are held until its figures come.
    await attack.expectCovered(3600);
    expect(await bob.ask()).toMatchObject({ __typename: 'CreateTokenSuccess' });
    await waitFor(async () => (await ann.quota()).heldSeconds === 0);
    expect((await ann.quota()).usedSeconds).toBeGreaterThanOrEqual(20);
  });

  it('place and share return at the vendor’s cap, and the hold only with its figures', async () => {
    await using attack = await startAttack({ MAX_SESSION_SECONDS: '60', ACCOUNT_MAX_CONCURRENT_SESSIONS: '1' });
    const { service } = attack;
    const ann = await attack.user('ann');
    service.simulator.failNext({ path: STOP, status: 503, times: 1000 });
    const reconcile = attack.holdReconciliation();
    await ann.reportEnd(await startAtBoth(ann));
    await attack.advance(59);
    expect(await ann.ask()).toMatchObject({ __typename: 'ConcurrencyLimitError' });
    await attack.expectCovered(3600);

    await attack.advance(1);
    await waitFor(async () => (await ann.ask()).__typename === 'CreateTokenSuccess');
    expect(await ann.quota()).toMatchObject({ usedSeconds: 0, heldSeconds: 120 });
    await attack.expectCovered(3600);

    reconcile();
    await attack.advance(60);
    await waitFor(async () => (await ann.quota()).usedSeconds === 60);
    await attack.expectCovered(3600);
  });
});

it('a heartbeat that stops while the vendor streams on returns nothing', async () => {
  await using attack = await startAttack({ DEFAULT_MONTHLY_LIMIT_MINUTES: '5', HEARTBEAT_SECONDS: '10' });
  const { service } = attack;
  const ann = await attack.user('ann');
  const token = await startAtBoth(ann);
  await ann.heartbeat(token);
  service.simulator.failNext({ path: STOP, status: 503 });
  await attack.advance(40);
  await waitFor(async () => (await ann.record(token)).status === 'COMPLETED');
  const { durationSeconds } = await ann.record(token);
  expect(durationSeconds).toBeLessThan(40);
  expect(await ann.quota()).toMatchObject({ usedSeconds: durationSeconds, heldSeconds: 300 - durationSeconds });
  expect(await ann.ask()).toMatchObject({ retryAfterSeconds: 5 });
  await attack.expectCovered(300);

  await attack.advance(10);
  await waitFor(async () => attack.runningAtVendor() === 0);
  await attack.expectCovered(300);
  await attack.advance(60);
  await waitFor(async () => (await ann.quota()).heldSeconds === 0);
  expect(await ann.quota()).toMatchObject({ usedSeconds: 50, availableSeconds: 250 });
  await attack.expectCovered(300);
});

describe('a token for a conversation whose session still runs', () => {
  const settings = { DEFAULT_MONTHLY_LIMIT_MINUTES: '2' };

  it('waits for the stop and is issued', async () => {
    await using attack = await startAttack(settings);
    const ann = await attack.user('ann');
    const sessionId = conversation();
    const first = await startAtBoth(ann, { sessionId });
    await attack.advance(10);
    const second = await ann.take({ sessionId });
    expect(second.maxDurationSeconds).toBe(110);
    expect(second.record.id).not.toBe(first.record.id);
    expect(await ann.record(first)).toMatchObject({ endReason: 'SUPERSEDED', durationSeconds: 10, stopPending: false });
    expect(attack.runningAtVendor()).toBe(0);
    await attack.expectCovered(120);
  });

  it('is refused after three seconds if the vendor does not confirm it, and says when to retry', async () => {
    await using attack = await startAttack(settings);
    const ann = await attack.user('ann');
    const sessionId = conversation();
    await startAtBoth(ann, { sessionId });
    await attack.advance(10);
    attack.service.simulator.failNext({ path: STOP, status: 503 });
    const askedAt = Date.now();
    const refusal = await ann.ask({ sessionId });
    expect(Date.now() - askedAt).toBeGreaterThanOrEqual(2_900);
    expect(refusal).toMatchObject({
      code: expect.stringMatching(/^(QUOTA_EXCEEDED|CONCURRENCY_LIMIT)$/),
      retryAfterSeconds: 5,
      message: expect.stringMatching(/5 s\.$/),
    });
    await attack.expectCovered(120);

    await attack.advance(5);
    await waitFor(async () => attack.runningAtVendor() === 0);
    await waitFor(async () => (await ann.ask({ sessionId })).__typename === 'CreateTokenSuccess');
    await attack.expectCovered(120);
  });
});
