import { createHash, randomUUID } from 'node:crypto';
import { type ReconcileDeps, type ReconcileSummary, reconcile } from '../../src/app/reconcile.ts';
import { createReconciliation } from '../../src/database/reconciliation.ts';
import type { QuotaPolicy } from '../../src/domain/policy.ts';
import { createLiveAvatarVendor } from '../../src/vendors/liveavatar/liveavatar-vendor.ts';
import { type SimulatorOptions, startSimulator } from '../../src/vendors/simulator/server.ts';
import { VENDOR_KEY } from './settings.ts';
import { createTestStore, holdRequest } from './store.ts';

/** A token that is out, at both sides. */
export interface VendorToken {
  readonly recordId: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly avatarSessionId: string;
  readonly token: string;
}

/**
 * A store and a simulated vendor with one clock that stands still, and the comparison of their books. Each act can be done
 * at one side only. Disposing checks the books.
 */
export async function createVendorBooks(settings: Partial<QuotaPolicy> = {}, options: SimulatorOptions = {}) {
  const test = await createTestStore(settings);
  const simulator = await startSimulator({ apiKey: VENDOR_KEY, clock: test.clock.now, ...options });
  const vendor = createLiveAvatarVendor({
    name: 'simulator',
    baseUrl: simulator.url,
    apiKey: VENDOR_KEY,
    mode: 'FULL',
    avatars: {},
    clock: test.clock.now,
  });
  const nodesBooks = () =>
    createReconciliation({ pool: test.pool, policy: test.policy, vendor, clock: test.clock.now });
  const books = nodesBooks();
  const deps: ReconcileDeps = {
    books,
    vendor,
    policy: test.policy,
    windowSeconds: 3 * 24 * 60 * 60,
    clock: test.clock.now,
    sleep: async (seconds) => test.clock.advance(seconds),
    signal: new AbortController().signal,
  };

  return {
    ...test,
    simulator,
    vendor,
    books,
    /** Compares the books once. */
    reconcile: (
      changed: Partial<ReconcileDeps> = {},
      reach: 'recent' | 'months' = 'recent',
    ): Promise<ReconcileSummary> => reconcile({ ...deps, ...changed }, reach),

    reconcileOnAnotherNode: () => reconcile({ ...deps, books: nodesBooks() }, 'recent'),
    /** Compares them with a vendor that was started then and knows nothing of what was before. */
    reconcileWithMemoryFrom: (remembersFrom: Date) => {
      const forgetful = { ...vendor, remembersFrom };
      const options = { pool: test.pool, policy: test.policy, vendor: forgetful, clock: test.clock.now };
      return reconcile({ ...deps, vendor: forgetful, books: createReconciliation(options) }, 'recent');
    },

    async createToken(userId = 'ann', avatarName = 'default'): Promise<VendorToken> {
      const hold = holdRequest({ userId, avatarName, sessionId: randomUUID() });
      const admission = await test.store.hold(hold);
      if (admission.outcome !== 'granted') throw new Error(`The token was refused: ${admission.outcome}`);
      const { token, avatarSessionId } = await vendor.mint({ avatarName, maxSessionSeconds: admission.grantSeconds });
      if (avatarSessionId === null) throw new Error('The mint named no session');
      const tokenHash = createHash('sha256').update(token).digest();
      await test.store.attach({ ...hold, avatarSessionId, tokenHash });
      return { ...hold, avatarSessionId, token };
    },
    /** The browser connects to the vendor. */
    startAtVendor: ({ token }: VendorToken) => callVendor(simulator.url, token, 'start'),
    /** The browser tells us. */
    reportStart: (token: VendorToken) => test.store.start({ ...token, avatarName: null }),
    reportEnd: (token: VendorToken) =>
      test.store.end({ ...token, wordsSpoken: null, messagesCount: null, errorMessage: null }),
    stopAtVendor: ({ token }: VendorToken) => callVendor(simulator.url, token, 'stop', { reason: 'USER_CLOSED' }),
    keepAliveAtVendor: ({ token }: VendorToken) => callVendor(simulator.url, token, 'keep-alive'),
    /** A token that both sides have started. */
    async startSession(userId?: string, avatarName?: string): Promise<VendorToken> {
      const token = await this.createToken(userId, avatarName);
      await this.startAtVendor(token);
      await this.reportStart(token);
      return token;
    },

    record: async ({ recordId }: Pick<VendorToken, 'recordId'>) => {
      const [row] = await test.database.query('SELECT * FROM avatar_usage_records WHERE id = $1', [recordId]);
      if (!row) throw new Error('There is no such record');
      return row;
    },
    corrections: () =>
      test.database.query(
        `SELECT period, used_seconds, trim_scale(used_cost)::float8 AS used_cost, reason FROM quota_ledger
        WHERE entry = 'correct' ORDER BY created_at, record_id, period`,
      ),
    async [Symbol.asyncDispose]() {
      await simulator.close();
      await test[Symbol.asyncDispose]();
    },
  };
}

/** The vendor's next answers to a question for its lists: what runs, and one page of what has ended. */
export function answerWithLists({ simulator }: VendorBooks, running: object[], ended: object[]): void {
  for (const results of [running, ended]) {
    const body = { code: 1000, data: { count: results.length, next: null, results } };
    simulator.failNext({ path: '/v1/sessions', status: 200, body });
  }
}

export type VendorBooks = Awaited<ReturnType<typeof createVendorBooks>>;

async function callVendor(url: string, token: string, act: string, body?: object): Promise<void> {
  const response = await fetch(`${url}/v1/sessions/${act}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`The vendor answered ${response.status} to ${act}`);
}
