import { randomUUID } from 'node:crypto';
import { openAccount } from '../src/database/account.ts';
import { createQuotaStore } from '../src/database/quota-store.ts';
import type { QuotaPolicy } from '../src/domain/policy.ts';
import type { QuotaStore } from '../src/domain/store.ts';
import { DEFAULT_POLICY } from '../test/support/policy.ts';
import { type Benchmark, beside, type Row } from './benchmark.ts';
import { compareFor } from './measure.ts';

const HOLDS = 500;
const REPLACING = [1, 50, 500] as const;
const POLICY: QuotaPolicy = {
  ...DEFAULT_POLICY,
  accountLimitCost: 100_000_000_000_000_000n,
  // Room for the earlier token and a second one that does not replace it.
  maxConcurrentSessions: 2,
};

/** 500 holds at once under a ceiling, of users who all have an unused token, of which some replace it. */
export const benchReload: Benchmark = async ({ pool }) => {
  await openAccount(pool, POLICY);
  const store = createQuotaStore({ pool, policy: POLICY, clock: () => new Date() });
  const rows: Row[] = [];
  for (const replacing of REPLACING) {
    const result = await compareFor(
      (milliseconds) => holdsPerSecond(store, replacing, milliseconds),
      (milliseconds) => holdsPerSecond(store, 0, milliseconds),
    );
    rows.push([`${HOLDS} holds, ${replacing} replacing`, ...beside(result, 'none replacing')]);
  }
  await openAccount(pool, DEFAULT_POLICY);
  return rows;
};

/** Rounds of holds, each of users of its own, for so long. Their earlier tokens are not measured. */
async function holdsPerSecond(store: QuotaStore, replacing: number, milliseconds: number): Promise<number> {
  let rounds = 0;
  let elapsed = 0;
  while (elapsed < milliseconds / 2) {
    const users = Array.from({ length: HOLDS }, () => randomUUID());
    await Promise.all(users.map((userId) => requestToken(store, userId, 'earlier')));
    const start = performance.now();
    await Promise.all(users.map((userId, number) => hold(store, userId, number < replacing ? 'earlier' : 'another')));
    elapsed += performance.now() - start;
    rounds++;
  }
  return (rounds * HOLDS) / (elapsed / 1000);
}

async function requestToken(store: QuotaStore, userId: string, sessionId: string): Promise<void> {
  const recordId = await hold(store, userId, sessionId);
  await store.attach({
    recordId,
    userId,
    avatarSessionId: `stream-${recordId}`,
    tokenHash: Buffer.from(recordId),
  });
}

async function hold(store: QuotaStore, userId: string, sessionId: string): Promise<string> {
  const recordId = randomUUID();
  const { outcome } = await store.hold({
    recordId,
    userId,
    sessionId,
    avatarName: 'default',
    vendor: 'simulator',
    vendorMode: 'FULL',
    pricePerMinute: POLICY.pricePerMinute,
    vendorCaps: true,
  });
  if (outcome !== 'granted') throw new Error(`A hold was refused: ${outcome}`);
  return recordId;
}
