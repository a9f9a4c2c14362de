import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createDecisions } from '../../../src/database/decisions.ts';
import { createQuotaStore } from '../../../src/database/quota-store.ts';
import { refreshThresholds } from '../../../src/domain/decide/refresh-thresholds.ts';
import { formatMoney, type Micros } from '../../../src/domain/money.ts';
import type { QuotaPolicy } from '../../../src/domain/policy.ts';
import { type QuotaAlert, type QuotaLimit, useAt } from '../../../src/domain/quota.ts';
import { nextCrossing, percentagesAt } from '../../../src/domain/thresholds.ts';
import { ALWAYS, confirmStops, dueWork } from '../../support/due-work.ts';
import { createTestStore, FIRST_VERSION, holdRequest, type TestStore } from '../../support/store.ts';

// What is shown and foreseen of a quota comes true, whatever a user has lived through.

const PERIOD = '2026-11';
const RUNS = { numRuns: 100 };

const anyPrice = fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 50n }), fc.bigInt({ min: 1n, max: 3_000_000n }));
/** One that is billed by the second, and one that is rounded up. */
const anyMode = fc.constantFrom('FULL', 'STEPPED');
const anyWait = fc.integer({ min: 0, max: 400_000 }).map((milliseconds) => milliseconds / 1000);

/** A token taken by the user some seconds after the last act, and how far it went. */
const anyRecord = fc.record({
  sessionId: fc.constantFrom('chat', 'talk', 'call'),
  price: anyPrice,
  vendorMode: anyMode,
  maxSessionSeconds: fc.integer({ min: 60, max: 1800 }),
  stage: fc.constantFrom('reserved', 'active', 'active', 'ended'),
  wait: anyWait,
});

const anyHistory = fc.record({
  limitMinutes: fc.integer({ min: 0, max: 90 }),
  limitCost: fc.oneof(
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 500n }) },
    { weight: 4, arbitrary: fc.bigInt({ min: 0n, max: 90_000_000n }) },
  ),
  records: fc.array(anyRecord, { maxLength: 5 }),
  wait: anyWait,
});

type History = typeof anyHistory extends fc.Arbitrary<infer T> ? T : never;

it('a token gets what was foreseen', async () => {
  await using test = await createTestStore();
  await test.pool.query(`INSERT INTO prices VALUES ('simulator', 'STEPPED', 'USD', '2020-01-01', 0.30, 60, 90)`);
  const anyCall = fc.record({
    vendorMode: anyMode,
    sessionId: fc.constantFrom('chat', 'talk', 'new'),
    pricePerMinute: anyPrice,
    maxConcurrentSessions: fc.integer({ min: 1, max: 4 }),
    maxTokensPerMinute: fc.integer({ min: 1, max: 5 }),
    maxSessionSeconds: fc.integer({ min: 60, max: 3600 }),
    isActive: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.constant(false)),
  });
  await fc.assert(
    fc.asyncProperty(anyHistory, anyCall, async (history, { sessionId, vendorMode, isActive, ...settings }) => {
      const userId = await live(test, history);
      await confirmStops(test);
      if (!isActive) await test.pool.query('UPDATE usage_quotas SET is_active = false WHERE user_id = $1', [userId]);
      const store = storeOf(test, settings);
      const { pricePerMinute } = settings;
      const { vendor, ...request } = holdRequest({ userId, sessionId, vendorMode, pricePerMinute });
      const { avatarName } = request;
      const wish = { avatarName, vendor, vendorMode, pricePerMinute, sessionId };
      const { admission } = await store.foresee(userId, wish);

      const held = await store.hold({ vendor, ...request });
      const isStopping = admission.outcome === 'granted' && 'prospect' in held;
      if (isStopping) await confirmStops(test);
      expect(isStopping ? await store.hold({ vendor, ...request }) : held).toEqual(admission);
    }),
    RUNS,
  );
});

it('the next threshold is crossed at the millisecond that was foreseen, and fires then and not before', async () => {
  await using test = await createTestStore({ thresholds: [50, 80] });
  const decisions = createDecisions({ pool: test.pool, policy: test.policy, clock: test.clock.now });
  const firedAt = (userId: string, at: number) => {
    test.clock.set(new Date(at).toISOString());
    return decisions.inspect(userId, PERIOD, (draft) => {
      refreshThresholds(draft, PERIOD);
      return firedIn(draft.user.quotas.find(({ period }) => period === PERIOD)?.alerts ?? []);
    });
  };
  await fc.assert(
    fc.asyncProperty(anyHistory, async (history) => {
      const userId = await live(test, history);
      await dueWork(test).sweep(ALWAYS);
      const now = test.clock.now();
      const state = await test.store.read(userId, PERIOD);
      const foreseen = nextCrossing(state, test.policy.thresholds, now);
      // a quota in which nothing was done is looked at with its first act
      if (history.records.length > 0 && state.version > FIRST_VERSION) {
        expect(await nextThresholdAt(test, userId)).toEqual(foreseen);
        expect(firedIn(state.alerts)).toEqual(crossedIn(percentagesAt(state, now)));
      }
      if (!foreseen) return;

      expect(await firedAt(userId, foreseen.getTime() - 1)).toEqual(firedIn(state.alerts));
      // if a hold ends earlier, its session has ended and the threshold is not crossed
      expect(await firedAt(userId, foreseen.getTime())).toEqual(crossedIn(percentagesAt(state, foreseen)));
      test.clock.set(now.toISOString());
    }),
    RUNS,
  );
});

it('a settlement is what the running display came to, plus what was begun of a second', async () => {
  await using test = await createTestStore();
  await fc.assert(
    fc.asyncProperty(anyHistory, async (history) => {
      const userId = await live(test, history);
      const state = await test.store.read(userId, PERIOD);
      const shown = useAt(state, test.clock.now());
      const running = state.openRecords.filter(({ status }) => status === 'active');

      for (const { id } of state.openRecords) {
        await test.store.close({ recordId: id, userId, reason: 'admin_ended', errorMessage: null });
      }
      await confirmStops(test);

      const settled = await test.store.read(userId, PERIOD);
      expect(settled).toMatchObject({ reservedSeconds: 0, reservedCost: 0n, openRecords: [] });
      const begun = settled.settledSeconds - shown.usedSeconds;
      expect(begun).toBeGreaterThanOrEqual(0);
      expect(begun).toBeLessThanOrEqual(running.length);
      const cost = settled.settledCost - shown.usedCost;
      expect(cost >= 0n).toBe(true);
      expect(cost <= running.reduce((sum, { pricePerMinute }) => sum + pricePerMinute / 60n + 2n, 0n)).toBe(true);
    }),
    RUNS,
  );
});

/** Lets a new user live through a history; returns the user. What is refused on the way is left out. */
async function live(test: TestStore, { limitMinutes, limitCost, records, wait }: History): Promise<string> {
  const userId = randomUUID();
  await test.pool.query(
    `INSERT INTO usage_quotas (user_id, current_month, monthly_limit_minutes, monthly_limit_cost) VALUES ($1, $2, $3, $4)`,
    [userId, PERIOD, limitMinutes, formatMoney(limitCost)],
  );
  for (const record of records) {
    test.clock.advance(record.wait);
    await takeToken(test, userId, record);
  }
  test.clock.advance(wait);
  return userId;
}

interface Token {
  sessionId: string;
  price: Micros;
  vendorMode: string;
  maxSessionSeconds: number;
  stage: string;
}

async function takeToken(
  test: TestStore,
  userId: string,
  { vendorMode, price, maxSessionSeconds, stage, ...token }: Token,
) {
  const store = storeOf(test, { maxSessionSeconds, maxConcurrentSessions: 3 });
  const request = holdRequest({ userId, ...token, vendorMode, pricePerMinute: price });
  const avatarSessionId = request.recordId;
  const { outcome } = await store.hold(request);
  if (outcome !== 'granted' || stage === 'reserved') return;
  await store.attach({ ...request, avatarSessionId, tokenHash: new Uint8Array(32) });
  await store.start({ ...request, avatarSessionId, avatarName: null });
  if (stage === 'active') return;
  test.clock.advance(7.25);
  await test.store.end({ userId, avatarSessionId, wordsSpoken: null, messagesCount: null, errorMessage: null });
}

/** The store of a node with other settings. */
function storeOf({ pool, policy, clock }: TestStore, settings: Partial<QuotaPolicy>) {
  return createQuotaStore({ pool, policy: { ...policy, ...settings }, clock: clock.now });
}

const LIMITS = ['minutes', 'cost'] as const;

function firedIn(alerts: readonly QuotaAlert[]): string[] {
  return alerts.map(({ limit, thresholdPercent }) => `${limit} ${thresholdPercent}`).sort();
}

function crossedIn(percentages: Record<QuotaLimit, number>): string[] {
  return LIMITS.flatMap((limit) =>
    [50, 80, 100].filter((percent) => percent <= percentages[limit]).map((percent) => `${limit} ${percent}`),
  ).sort();
}

async function nextThresholdAt({ pool }: TestStore, userId: string): Promise<Date | null> {
  const { rows } = await pool.query('SELECT next_threshold_at AS at FROM usage_quotas WHERE user_id = $1', [userId]);
  return rows[0]?.at;
}
