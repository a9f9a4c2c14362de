import { describe, expect, it } from 'vitest';
import { createToken } from '../../../src/app/create-token.ts';
import type { SdkDeps } from '../../../src/app/sdk-outcome.ts';
import { sdkStart } from '../../../src/app/sdk-start.ts';
import { sdkStop } from '../../../src/app/sdk-stop.ts';
import { createTokenSeal } from '../../../src/app/token-seal.ts';
import { createVendorBalance } from '../../../src/app/vendor-balance.ts';
import type { QuotaStore } from '../../../src/domain/store.ts';
import { createProxyTokens } from '../../../src/server/proxy-tokens.ts';
import { createLiveAvatarVendor } from '../../../src/vendors/liveavatar/liveavatar-vendor.ts';
import { createLiveAvatarSdk } from '../../../src/vendors/liveavatar/sdk.ts';
import { startSimulator } from '../../../src/vendors/simulator/server.ts';
import { ALWAYS, dueWork } from '../../support/due-work.ts';
import { holdLock } from '../../support/lock.ts';
import { createTestStore, holdRequest } from '../../support/store.ts';
import { callsTo, START, STOP } from '../../support/vendor-calls.ts';
import { waitForBlocked } from '../../support/wait-for.ts';

// Each race is held at a lock until both sides are under way, once in either order. The first to wait is served first.

describe('the SDK’s start and a newer token of its conversation', () => {
  it('start the session and end it when the start comes first', async () => {
    await using race = await startRace();
    const started = race.start();
    await waitForBlocked(race.pool);
    const held = race.supersede();
    await waitForBlocked(race.pool, 2);
    await race.lock.release();

    // answered by the vendor, or refused if the token was faster than the vendor
    await started;
    expect(callsTo(race, START)).toHaveLength(1);
    await expect(held).resolves.toMatchObject({ outcome: 'concurrency', prospect: { isStopping: true } });
    expect(await race.outcome()).toEqual({ status: 'completed', end_reason: 'superseded', duration_seconds: 0 });
    expect(await race.pendingStops()).toEqual(['superseded']);
  });

  it('refuse the start when the token comes first, and the vendor is not reached', async () => {
    await using race = await startRace();
    const held = race.supersede();
    await waitForBlocked(race.pool);
    const started = race.start();
    await waitForBlocked(race.pool, 2);
    await race.lock.release();

    await expect(held).resolves.toMatchObject({ outcome: 'granted' });
    await expect(started).resolves.toMatchObject({ type: 'refused', reason: 'over' });
    expect(callsTo(race, START)).toEqual([]);
    expect(await race.outcome()).toMatchObject({ status: 'expired', end_reason: 'superseded' });
  });
});

describe('the SDK’s start and the end of the token’s time to live', () => {
  it('start the session when the start comes first', async () => {
    await using race = await startRace({ secondsLeft: 1 });
    // by the clock of its node there is a second left
    const started = race.start(1);
    await waitForBlocked(race.pool);
    race.clock.advance(1);
    await expect(race.sweep()).resolves.toBe(0);
    await race.lock.release();

    await expect(started).resolves.toMatchObject({ type: 'answered', status: 201 });
    await expect(race.sweep()).resolves.toBe(0);
    expect(await race.outcome()).toMatchObject({ status: 'active' });
  });

  it('refuse the start when the sweep comes first, and the vendor is not reached', async () => {
    await using race = await startRace({ secondsLeft: 1 });
    race.clock.advance(1);
    const swept = race.sweep();
    await waitForBlocked(race.pool);
    // by the clock of its node there is a second left
    const started = race.start(1);
    await waitForBlocked(race.pool, 2);
    await race.lock.release();

    await expect(swept).resolves.toBe(1);
    await expect(started).resolves.toMatchObject({ type: 'refused', reason: 'over' });
    expect(callsTo(race, START)).toEqual([]);
    expect(await race.outcome()).toMatchObject({ status: 'expired', end_reason: 'token_expired' });
  });
});

describe('the SDK’s stop and the deadline', () => {
  it('settle once when the stop comes first', async () => {
    await using race = await startRace({ running: true });
    race.clock.advance(1800);
    // by the clock of its node there is a second left
    const stopped = race.stop(1);
    await waitForBlocked(race.pool);
    await expect(race.sweep()).resolves.toBe(0);
    await race.lock.release();

    await expect(stopped).resolves.toMatchObject({ type: 'stopped' });
    // by now the vendor's cap has ended it: its place is free
    await expect(race.sweep()).resolves.toBe(1);
    await expect(race.sweep()).resolves.toBe(0);
    expect(await race.outcome()).toMatchObject({ end_reason: 'user_ended', duration_seconds: 1799 });
    expect(await race.settlements()).toBe(1);
  });

  it('settle once when the sweep comes first, and the stop is a success', async () => {
    await using race = await startRace({ running: true });
    race.clock.advance(1800);
    const swept = race.sweep();
    await waitForBlocked(race.pool);
    const stopped = race.stop(1);
    await waitForBlocked(race.pool, 2);
    await race.lock.release();

    await expect(swept).resolves.toBe(1);
    await expect(stopped).resolves.toMatchObject({ type: 'stopped' });
    expect(callsTo(race, STOP)).toEqual([]);
    expect(await race.outcome()).toMatchObject({ end_reason: 'deadline_reached', duration_seconds: 1800 });
    expect(await race.settlements()).toBe(1);
  });
});

describe('the end of a session that the vendor did not start, and the user’s own', () => {
  it.each(['fail', 'stop'] as const)('settle once when %s comes first', async (first) => {
    await using race = await startRace({ running: true });
    race.clock.advance(7);
    const acts = {
      fail: () =>
        race.store.failStart({ userId: 'ann', recordId: race.recordId, errorMessage: 'refused', isFinal: true }),
      stop: () => race.stop(),
    };
    const sooner = acts[first]();
    await waitForBlocked(race.pool);
    const later = acts[first === 'fail' ? 'stop' : 'fail']();
    await waitForBlocked(race.pool, 2);
    await race.lock.release();

    await Promise.all([sooner, later]);
    expect(await race.outcome()).toMatchObject(
      first === 'fail'
        ? { status: 'error', end_reason: 'vendor_error', duration_seconds: 0 }
        : { status: 'completed', end_reason: 'user_ended', duration_seconds: 7 },
    );
    expect(await race.settlements()).toBe(first === 'fail' ? 0 : 1);
  });
});

describe('the vendor’s cap and the end of the session', () => {
  it.each(['cap', 'stop'] as const)(
    'leave no more held than the vendor may bill when %s comes first',
    async (first) => {
      await using race = await startRace({ running: true });
      race.clock.advance(7);
      const acts = {
        cap: () => race.store.cap({ userId: 'ann', recordId: race.recordId, capSeconds: 300 }),
        stop: () => race.stop(),
      };
      const sooner = acts[first]();
      await waitForBlocked(race.pool);
      const later = acts[first === 'cap' ? 'stop' : 'cap']();
      await waitForBlocked(race.pool, 2);
      await race.lock.release();

      await Promise.all([sooner, later]);
      expect(await race.outcome()).toMatchObject({ end_reason: 'user_ended', duration_seconds: 7 });
      expect(await race.store.read('ann', '2026-11')).toMatchObject({ settledSeconds: 7, reservedSeconds: 293 });
    },
  );
});

/** A token whose record is locked, and what can be done to it by several nodes over a simulated vendor. */
async function startRace({ secondsLeft = 300, running = false } = {}) {
  await using parts = new AsyncDisposableStack();
  const test = parts.use(await createTestStore());
  const simulator = await startSimulator({ clock: test.clock.now });
  parts.defer(() => simulator.close());
  const vendor = createLiveAvatarVendor({
    name: 'simulator',
    baseUrl: simulator.url,
    apiKey: 'key',
    mode: 'FULL',
    avatars: {},
  });
  const sdk = createLiveAvatarSdk({ baseUrl: simulator.url, apiKey: 'key', clock: test.clock.now });
  const onBackgroundError = (error: unknown) => {
    throw error;
  };
  const balance = createVendorBalance({ vendor, clock: test.clock.now, onError: onBackgroundError });
  const depsOf = (store: QuotaStore, secondsBehind = 0): SdkDeps => ({
    store,
    vendor,
    balance,
    delivery: 'direct',
    proxyTokens: createProxyTokens(['secret']),
    sdk,
    exchanging: new Set(),
    policy: test.policy,
    clock: () => new Date(test.clock.now().getTime() - secondsBehind * 1000),
    pause: async () => {},
    seal: createTokenSeal(['a secret']),
    onBackgroundError,
  });
  const deps = depsOf(test.store);
  const created = await createToken(
    deps,
    { userId: 'ann', isAdmin: false, expiresAt: test.clock.now() },
    { sessionId: 'chat', avatarName: null },
  );
  if (created.type !== 'token') throw new Error(created.message);
  const { token } = created;
  const recordId = created.saved.record.id;
  const request = { token, body: '', avatarSessionId: null };
  if (running) await sdkStart(deps, request);
  else test.clock.advance(300 - secondsLeft);
  const lock = parts.use(
    await holdLock(test.pool, 'SELECT FROM avatar_usage_records WHERE id = $1 FOR UPDATE', [recordId]),
  );

  const rest = parts.move();
  return {
    ...test,
    simulator,
    lock,
    recordId,
    start: (secondsBehind = 0) => sdkStart(depsOf(test.anotherNode(secondsBehind), secondsBehind), request),
    stop: (secondsBehind = 0) => sdkStop(depsOf(test.anotherNode(secondsBehind), secondsBehind), request),
    supersede: () => test.store.hold(holdRequest({ sessionId: 'chat', avatarName: 'ben' })),
    sweep: () => dueWork(test).sweep(ALWAYS),
    async outcome() {
      const [row] = await test.database.query(
        'SELECT status, end_reason, duration_seconds FROM avatar_usage_records WHERE id = $1',
        [recordId],
      );
      return row;
    },
    async pendingStops() {
      const rows = await test.database.query<{ reason: string }>('SELECT reason FROM vendor_stops');
      return rows.map(({ reason }) => reason);
    },
    async settlements() {
      return (await test.database.query(`SELECT FROM quota_ledger WHERE entry = 'settle'`)).length;
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}
