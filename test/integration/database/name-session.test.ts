import { describe, expect, it } from 'vitest';
import type { AppDeps } from '../../../src/app/deps.ts';
import { hashToken } from '../../../src/app/recognise-token.ts';
import { sdkOpen } from '../../../src/app/sdk-open.ts';
import type { OpeningDeps } from '../../../src/app/sdk-outcome.ts';
import { createTokenSeal } from '../../../src/app/token-seal.ts';
import { createQuotaStore } from '../../../src/database/quota-store.ts';
import type { OpeningSdk } from '../../../src/domain/vendor-sdk.ts';
import { createProxyTokens } from '../../../src/server/proxy-tokens.ts';
import { createHeyGenVendor } from '../../../src/vendors/heygen/heygen-vendor.ts';
import { createHeyGenSdk } from '../../../src/vendors/heygen/sdk.ts';
import { startSimulator } from '../../../src/vendors/simulator/server.ts';
import { failOnce } from '../../support/pause.ts';
import { VENDOR_KEY } from '../../support/settings.ts';
import { createTestStore, holdRequest } from '../../support/store.ts';

// The connection to the database breaks when the vendor has opened a session and its name is saved.

describe.each(['before', 'after'] as const)('a name whose save breaks off %s the commit', (when) => {
  it('is saved by the retry, and the session goes on', async () => {
    await using test = await createOpening();
    const { recordId, open, breakNextSave, simulator } = test;

    breakNextSave(when);
    expect(await open()).toMatchObject({ type: 'answered', status: 200 });

    const [session] = simulator.heygenSessions();
    expect(session?.endedAt).toBeNull();
    expect(
      await test.database.query('SELECT status, avatar_session_id FROM avatar_usage_records WHERE id = $1', [recordId]),
    ).toEqual([{ status: 'active', avatar_session_id: session?.id }]);
  });
});

/** A token of HeyGen's that has not been used, and the SDK's call that opens its session. */
async function createOpening() {
  const test = await createTestStore();
  const simulator = await startSimulator({ apiKey: VENDOR_KEY, clock: test.clock.now });
  const account = { baseUrl: simulator.url, apiKey: VENDOR_KEY, clock: test.clock.now };
  const vendor = createHeyGenVendor({ ...account, name: 'simulator' });
  const { token } = await vendor.mint({ avatarName: 'default', maxSessionSeconds: 1800 });
  const hold = holdRequest({ vendorCaps: false });
  await test.store.hold(hold);
  await test.store.attach({ ...hold, avatarSessionId: null, tokenHash: hashToken(token) });

  let store = test.store;
  const sdk: OpeningSdk = createHeyGenSdk(account);
  return {
    ...test,
    simulator,
    recordId: hold.recordId,
    /** The save after the one that starts the record. */
    breakNextSave(when: 'before' | 'after') {
      const failing = createQuotaStore({
        pool: failOnce(test.pool, new Error('Connection terminated unexpectedly'), when),
        policy: test.policy,
        clock: test.clock.now,
      });
      store = { ...test.store, name: failing.name };
    },
    open() {
      const balance: AppDeps['balance'] = { covers: async () => true, credits: () => null };
      const deps: OpeningDeps = {
        store,
        vendor,
        balance,
        sdk,
        delivery: 'direct',
        proxyTokens: createProxyTokens(['secret']),
        pause: async () => {},
        seal: createTokenSeal(['secret']),
        exchanging: new Set(),
        policy: test.policy,
        clock: test.clock.now,
        onBackgroundError: () => {},
      };
      return sdkOpen(deps, { token, body: '{}', avatarName: null });
    },
    async [Symbol.asyncDispose]() {
      await simulator.close();
      await test[Symbol.asyncDispose]();
    },
  };
}
