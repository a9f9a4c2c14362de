import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { auditBooks } from '../../src/database/audit.ts';
import { createPool } from '../../src/database/pool.ts';
import { createQuotaStore } from '../../src/database/quota-store.ts';
import type { QuotaPolicy } from '../../src/domain/policy.ts';
import type { HoldRequest } from '../../src/domain/store.ts';
import { createTestClock } from './clock.ts';
import { createTestDatabase } from './database.ts';
import { DEFAULT_POLICY } from './policy.ts';

/** The version that a quota of 2026-11, the month of the test clock, begins with. */
export const FIRST_VERSION = 323_000_000;

interface TestStoreOptions {
  readonly timeZone?: string;
  /**
   * The longest that a statement may run or wait for a lock. Raise it for a long queue at one lock, which takes its time
   * on a busy machine; PostgreSQL reports a deadlock after a second. @default 1 for a lock, 5 for a statement
   */
  readonly statementSeconds?: number;
}

/** A store over a database of its own, with a clock that stands still. Disposing checks the books. */
export async function createTestStore(
  settings: Partial<QuotaPolicy> = {},
  { statementSeconds, ...options }: TestStoreOptions = {},
) {
  const database = await createTestDatabase(options);
  const policy = { ...DEFAULT_POLICY, ...settings };
  const clock = createTestClock();
  const pool = createPool({
    url: statementSeconds ? `${database.url}?lock_timeout=${statementSeconds * 1000}` : database.url,
    onError: () => {},
    ...(statementSeconds && { statementSeconds, size: 30 }),
  });
  const store = createQuotaStore({ pool, policy, clock: clock.now });
  return {
    database,
    pool,
    policy,
    clock,
    store,
    /** A second node on the same database, its clock so many seconds behind, perhaps with a pool of its own. */
    anotherNode: (secondsBehind = 0, poolOfNode = pool) => {
      const clockOfNode = () => new Date(clock.now().getTime() - secondsBehind * 1000);
      return createQuotaStore({ pool: poolOfNode, policy, clock: clockOfNode });
    },
    [Symbol.asyncDispose]: async () => {
      const imbalances = await auditBooks(pool);
      await pool.end();
      await database.drop();
      expect(imbalances).toEqual([]);
    },
  };
}

export type TestStore = Awaited<ReturnType<typeof createTestStore>>;

/** A request for a token of a conversation of its own. */
export function holdRequest(request: Partial<HoldRequest> = {}): HoldRequest {
  return {
    recordId: randomUUID(),
    userId: 'ann',
    sessionId: randomUUID(),
    avatarName: 'default',
    vendor: 'simulator',
    vendorMode: 'FULL',
    pricePerMinute: 500_000n,
    vendorCaps: true,
    ...request,
  };
}

/** Takes a token all the way to a running session; returns the vendor's id. */
export async function startSession({ store }: TestStore, request: Partial<HoldRequest> = {}): Promise<string> {
  const hold = holdRequest(request);
  const avatarSessionId = `stream-${hold.recordId}`;
  expect(await store.hold(hold)).toMatchObject({ outcome: 'granted' });
  expect(await store.attach({ ...hold, avatarSessionId, tokenHash: new Uint8Array(32) })).not.toBeNull();
  const started = await store.start({ ...hold, avatarSessionId, avatarName: null });
  expect(started).toMatchObject({ outcome: 'started', saved: { record: { id: hold.recordId } } });
  return avatarSessionId;
}
