import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readDearestPrices } from '../../../src/database/prices.ts';
import { readQuotas } from '../../../src/database/read-quotas.ts';
import { holdTokens, startSessions } from '../../../src/database/statements.ts';
import { admit } from '../../../src/domain/admission.ts';
import { formatMoney, type Micros, parseMoney } from '../../../src/domain/money.ts';
import { sessionCost } from '../../../src/domain/price.ts';
import { type QuotaLimit, type QuotaState, useAt } from '../../../src/domain/quota.ts';
import { nextCrossing, percentagesAt } from '../../../src/domain/thresholds.ts';
import { ALWAYS, dueWork } from '../../support/due-work.ts';
import { createTestStore, holdRequest, type TestStore } from '../../support/store.ts';

// The rules are written twice: in the database, which decides, and in the domain, which foretells. These keep both alike.

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

it('a token gets what the domain foretells', async () => {
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
      if (!isActive) await test.pool.query('UPDATE usage_quotas SET is_active = false WHERE user_id = $1', [userId]);
      const policy = { ...test.policy, ...settings };
      const now = test.clock.now();
      const [state] = await readQuotas(test.pool, [{ userId, period: PERIOD }], policy, now);
      if (!state) throw new Error('no quota was read');

      const [price] = await readDearestPrices(test.pool, [{ vendor: 'simulator', vendorMode }], policy, now);
      if (!price) throw new Error('no price was read');
      const foretold = admit(state, policy, price, sessionId, now);
      const request = holdRequest({ userId, sessionId, vendorMode, pricePerMinute: policy.pricePerMinute });
      const [decided] = await holdTokens(test.pool, [request], policy, now);

      expect(decided).toEqual(foretold);
    }),
    RUNS,
  );
});

it('a cost is the same', async () => {
  await using test = await createTestStore();
  // as much as a column can hold
  const anyCost = fc.tuple(fc.integer({ min: 0, max: 5_000_000 }), fc.bigInt({ min: 0n, max: 10n ** 13n }));
  await fc.assert(
    fc.asyncProperty(fc.array(anyCost, { minLength: 50, maxLength: 100 }), async (costs) => {
      const { rows } = await test.pool.query(
        `SELECT session_cost(seconds, price)::text AS cost
        FROM unnest($1::integer[], $2::numeric[]) WITH ORDINALITY AS t (seconds, price, position) ORDER BY position`,
        [costs.map(([seconds]) => seconds), costs.map(([, price]) => formatMoney(price))],
      );
      expect(rows.map(({ cost }) => parseMoney(cost))).toEqual(
        costs.map(([seconds, price]) => sessionCost(seconds, price)),
      );
    }),
    { numRuns: 20 },
  );
});

it('the next threshold is crossed at the same millisecond, and fires then and not before', async () => {
  await using test = await createTestStore({ thresholds: [50, 80] });
  await fc.assert(
    fc.asyncProperty(anyHistory, async (history) => {
      const userId = await live(test, history);
      await dueWork(test).sweepRecords(ALWAYS);
      const sql = 'SELECT refresh_thresholds($1, $2, $3, $4)';
      const refresh = () => test.pool.query(sql, [test.clock.now(), [userId], [PERIOD], [50, 80, 100]]);
      await refresh();
      const state = await test.store.read(userId, PERIOD);
      const foretold = nextCrossing(state, test.policy.thresholds, test.clock.now());
      expect(await nextThresholdAt(test, userId)).toEqual(foretold);
      expect(firedIn(state)).toEqual(crossedIn(percentagesAt(state, test.clock.now())));
      if (!foretold) return;

      const before = test.clock.now();
      test.clock.set(new Date(foretold.getTime() - 1).toISOString());
      await refresh();
      expect(firedIn(await test.store.read(userId, PERIOD))).toEqual(firedIn(state));
      test.clock.set(foretold.toISOString());
      await refresh();
      // where a hold ends before, its session is over and the crossing does not come
      const then = percentagesAt(state, foretold);
      expect(firedIn(await test.store.read(userId, PERIOD))).toEqual(crossedIn(then));
      test.clock.set(before.toISOString());
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
  const now = test.clock.now();
  const policy = { ...test.policy, maxSessionSeconds, maxConcurrentSessions: 3 };
  const request = holdRequest({ userId, ...token, vendorMode, pricePerMinute: price });
  const avatarSessionId = request.recordId;
  const [hold] = await holdTokens(test.pool, [request], policy, now);
  if (hold?.outcome !== 'granted' || stage === 'reserved') return;
  await test.store.attach({ ...request, avatarSessionId, tokenHash: new Uint8Array(32) });
  await startSessions(test.pool, [{ ...request, avatarSessionId, avatarName: null }], policy, now);
  if (stage === 'active') return;
  test.clock.advance(7.25);
  await test.store.end({ userId, avatarSessionId, wordsSpoken: null, messagesCount: null, errorMessage: null });
}

const LIMITS = ['minutes', 'cost'] as const;

function firedIn({ alerts }: QuotaState): string[] {
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
