import { describe, expect, it } from 'vitest';
import { startAttack } from '../../support/attack.ts';
import { waitFor } from '../../support/wait-for.ts';

const TWO_MINUTES = { DEFAULT_MONTHLY_LIMIT_MINUTES: '2' };

describe.concurrent('a session that was started at the vendor, past the service', () => {
  it('runs here too when its start through the service fails: its hold stays', async () => {
    await using attack = await startAttack(TWO_MINUTES);
    const ann = await attack.user('ann');
    const token = await ann.take();
    expect(await ann.callVendor('start', token)).toBe(201);
    expect(await ann.callSdk('start', token)).toBe(400);
    expect(await ann.record(token)).toMatchObject({ status: 'ACTIVE' });
    expect(await ann.quota()).toMatchObject({ usedSeconds: 0, heldSeconds: 120, availableSeconds: 0 });
    await attack.expectCovered(120);
  });

  it('is booked by reconciliation when its end is reported, but never its start', async () => {
    await using attack = await startAttack(TWO_MINUTES);
    const ann = await attack.user('ann');
    const reconcile = attack.holdReconciliation();
    const token = await ann.take();
    expect(await ann.callVendor('start', token)).toBe(201);
    await attack.advance(30);
    await ann.reportEnd(token);
    expect(await ann.record(token)).toMatchObject({ status: 'EXPIRED', durationSeconds: 0 });
    expect(await ann.quota()).toMatchObject({ usedSeconds: 0, heldSeconds: 120, availableSeconds: 0 });
    await attack.expectCovered(120);

    await waitFor(async () => attack.runningAtVendor() === 0);
    expect(await ann.quota()).toMatchObject({ heldSeconds: 120 });
    reconcile();
    await attack.advance(60);
    await waitFor(async () => (await ann.quota()).heldSeconds === 0);
    expect(await ann.quota()).toMatchObject({ usedSeconds: 30, availableSeconds: 90 });
    await attack.expectCovered(120);
  });

  it('is covered when its start and end were reported before it started', async () => {
    await using attack = await startAttack(TWO_MINUTES);
    const ann = await attack.user('ann');
    for (let round = 0; round < 5; round++) {
      const { token } = await ann.ask();
      const issued = token === undefined ? undefined : ann.tokens.get(token);
      if (!issued) continue;
      await ann.reportStart(issued);
      await ann.reportEnd(issued);
      await waitFor(async () => !(await ann.record(issued)).stopPending);
      await attack.advance(660);
      await attack.expectCovered(120);
    }
    expect(ann.tokens.size).toBe(1);
    for (const token of ann.tokens.values()) expect(await ann.callVendor('start', token)).toBe(201);
    await attack.expectCovered(120);
  });

  it('is covered when it was ended there before its start through the service fails', async () => {
    await using attack = await startAttack(TWO_MINUTES);
    const ann = await attack.user('ann');
    const reconcile = attack.holdReconciliation();
    const token = await ann.take();
    await ann.callVendor('start', token);
    await attack.advance(30);
    await ann.callVendor('stop', token);
    expect(await ann.callSdk('start', token)).toBe(404);
    expect(await ann.quota()).toMatchObject({ usedSeconds: 0, heldSeconds: 120 });
    reconcile();
    await attack.advance(60);
    await waitFor(async () => (await ann.quota()).heldSeconds === 0);
    expect(await ann.quota()).toMatchObject({ usedSeconds: 30, availableSeconds: 90 });
    await attack.expectCovered(120);
  });

  it('gets nobody more than the limit or the account’s ceiling, however often it is repeated', async () => {
    await using attack = await startAttack({
      ...TWO_MINUTES,
      MAX_TOKENS_PER_MINUTE: '5',
      ACCOUNT_MONTHLY_COST_LIMIT: '2.00',
    });
    const users = [await attack.user('ann'), await attack.user('bob'), await attack.user('eve')];
    for (let round = 0; round < 12; round++) {
      for (const user of users) {
        await user.ask();
        for (const token of user.tokens.values()) {
          await user.callVendor('start', token);
          await user.callSdk('start', token);
          if (round % 3 === 2) await user.reportEnd(token);
        }
      }
      await attack.expectCovered(120);
      expect(attack.billableMinutes()).toBeLessThanOrEqual(4);
      await attack.advance(15);
    }
    expect(attack.billableMinutes()).toBeGreaterThan(0);
    expect(Number(attack.service.simulator.creditsConsumed()) / 2).toBeLessThanOrEqual(4 + users.length);
  });
});

describe.concurrent('a user who hoards tokens', () => {
  it('gets the same one for each conversation: what all of them can start is held', async () => {
    await using attack = await startAttack({
      ...TWO_MINUTES,
      ACCOUNT_MAX_CONCURRENT_SESSIONS: '3',
      MAX_TOKENS_PER_MINUTE: '100',
    });
    const users = await Promise.all(['ann', 'bob', 'eve', 'kim', 'lea'].map((name) => attack.user(name)));
    for (const user of users) {
      for (let asked = 0; asked < 30; asked++) await user.ask();
      expect(user.tokens.size).toBeLessThanOrEqual(1);
    }
    await attack.expectCovered(120);
    for (const user of users) {
      for (const token of user.tokens.values()) await user.callVendor('start', token);
    }
    expect(attack.runningAtVendor()).toBe(3);
    await attack.expectCovered(120);
  });

  it('gets for another avatar what is left beside the first token, and then a refusal that says when to retry', async () => {
    await using attack = await startAttack({ ...TWO_MINUTES, MAX_SESSION_SECONDS: '60' });
    const ann = await attack.user('ann');
    for (const avatarName of ['default', 'anna']) {
      expect(await ann.ask({ avatarName })).toMatchObject({ maxDurationSeconds: 60 });
    }
    for (let asked = 0; asked < 5; asked++) {
      expect(await ann.ask({ avatarName: 'default' })).toMatchObject({
        __typename: 'QuotaExceededError',
        code: 'QUOTA_EXCEEDED',
        retryAfterSeconds: expect.any(Number),
      });
      expect(await ann.ask({ avatarName: 'anna' })).toMatchObject({ maxDurationSeconds: 60 });
    }
    expect(ann.tokens.size).toBe(2);
    await attack.expectCovered(120);
    for (const token of ann.tokens.values()) expect(await ann.callVendor('start', token)).toBe(201);
    await attack.advance(59);
    await attack.expectCovered(120);
  });
});
