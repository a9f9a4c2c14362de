import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import { openAccount } from '../src/database/account.ts';
import { createQuotaStore } from '../src/database/quota-store.ts';
import type { QuotaPolicy } from '../src/domain/policy.ts';
import type { QuotaStore } from '../src/domain/store.ts';
import { DEFAULT_POLICY } from '../test/support/policy.ts';
import { type Benchmark, perSecond, type Row, ratio } from './benchmark.ts';

const CALLERS = [1, 16, 64, 256] as const;
const MILLISECONDS = 2_000;

/**
 * A session's whole life (hold, attach, start, end, stop confirmed) beside two single-row upserts of a rate limiter on the same
 * PostgreSQL, and
 * with one caller beside four updates of one row, each committed.
 */
export const benchCycle: Benchmark = async ({ pool }) => {
  const store = createQuotaStore({ pool, policy: DEFAULT_POLICY, clock: () => new Date() });
  const limiter = await createLimiter(pool);
  await measure(64, (call) => cycle(store, `warm-${call % 500}`));

  const rows: Row[] = [];
  const updates = await measure(1, fourUpdates(pool));
  for (const callers of CALLERS) {
    const peer = await measure(callers, (call) => consumeAndReward(limiter, `peer-${call}`));
    const figure = await measure(callers, (call) => cycle(store, `user-${callers}-${call}`));
    rows.push([
      `cycle, ${callers} callers`,
      perSecond(figure),
      `${ratio(figure, peer)} consume + reward (${perSecond(peer)})`,
    ]);
    if (callers === 1)
      rows.push(['', '', `${ratio(updates, figure)} the time of four updates (${perSecond(updates)})`]);
  }
  rows.push(await underCeiling(pool, store));
  return rows;
};

/** Sixty-four callers with a ceiling of the account, and without one. */
async function underCeiling(pool: pg.Pool, store: QuotaStore): Promise<Row> {
  const policy: QuotaPolicy = { ...DEFAULT_POLICY, accountLimitCost: 1_000_000_000_000n };
  const free = await measure(64, (call) => cycle(store, `free-${call}`));
  await openAccount(pool, policy);
  const bounded = createQuotaStore({ pool, policy, clock: () => new Date() });
  const figure = await measure(64, (call) => cycle(bounded, `bounded-${call}`));
  await openAccount(pool, DEFAULT_POLICY);
  return ['cycle, 64 callers, under a ceiling', perSecond(figure), `${ratio(figure, free)} without one`];
}

export async function cycle(store: QuotaStore, userId: string): Promise<void> {
  const recordId = randomUUID();
  const sessionId = randomUUID();
  const avatarSessionId = `stream-${recordId}`;
  await store.hold({
    recordId,
    userId,
    sessionId,
    avatarName: 'default',
    vendor: 'simulator',
    vendorMode: 'FULL',
    pricePerMinute: DEFAULT_POLICY.pricePerMinute,
    vendorCaps: true,
  });
  await store.attach({ recordId, userId, avatarSessionId, tokenHash: Buffer.from(recordId) });
  await store.start({ userId, sessionId, avatarSessionId, avatarName: null });
  await store.end({ userId, avatarSessionId, wordsSpoken: null, messagesCount: null, errorMessage: null });
  await store.confirmStop({ recordId, userId, word: 'stopped', expectsFigures: false });
}

export async function createLimiter(pool: pg.Pool): Promise<RateLimiterPostgres> {
  return new Promise((resolve, reject) => {
    const limiter: RateLimiterPostgres = new RateLimiterPostgres(
      { storeClient: pool, storeType: 'client', tableName: 'peer', points: 1000, duration: 3600 },
      (error?: Error) => (error ? reject(error) : resolve(limiter)),
    );
  });
}

export async function consumeAndReward(limiter: RateLimiterPostgres, key: string): Promise<void> {
  await limiter.consume(key, 1);
  await limiter.reward(key, 1);
}

function fourUpdates(pool: pg.Pool): () => Promise<void> {
  const ready = pool.query('CREATE TABLE floor (id integer PRIMARY KEY, n integer); INSERT INTO floor VALUES (1, 0)');
  return async () => {
    await ready;
    for (let n = 0; n < 4; n++) {
      await pool.query({ name: 'floor', text: 'UPDATE floor SET n = n + 1 WHERE id = 1' });
    }
  };
}

/** Calls per second over a fixed time. */
async function measure(callers: number, call: (index: number) => Promise<void>): Promise<number> {
  const until = performance.now() + MILLISECONDS;
  let done = 0;
  const start = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < until) {
        await call(next++);
        done++;
      }
    }),
  );
  return done / ((performance.now() - start) / 1000);
}
