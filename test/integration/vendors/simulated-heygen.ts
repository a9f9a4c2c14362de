import type { AvatarVendor } from '../../../src/domain/vendor.ts';
import { createHeyGenVendor, type HeyGenOptions } from '../../../src/vendors/heygen/heygen-vendor.ts';
import type { SimulatorOptions } from '../../../src/vendors/simulator/server.ts';
import { API_KEY, type SimulatedAccount, simulateAccount } from './simulated-vendor.ts';

export interface SimulatedHeyGen extends SimulatedAccount {
  readonly vendor: AvatarVendor;
  /** Opens and starts a session with a token of its own; gives the id. */
  startSession(request?: object): Promise<string>;
}

/** A simulated HeyGen and the adapter that calls it. */
export async function simulateHeyGen(
  options: SimulatorOptions = {},
  adapter: Partial<HeyGenOptions> = {},
): Promise<SimulatedHeyGen> {
  const account = await simulateAccount(options);
  const { simulator, withToken, now: clock } = account;
  const vendor = createHeyGenVendor({ baseUrl: simulator.url, apiKey: API_KEY, clock, ...adapter });
  return {
    ...account,
    vendor,
    async startSession(request = {}) {
      const { token } = await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 60 });
      const { body } = await withToken(token, '/v1/streaming.new', request);
      const session_id = String(body.data?.session_id);
      const { status } = await withToken(token, '/v1/streaming.start', { session_id });
      if (status !== 200) throw new Error(`The start was answered ${status}`);
      return session_id;
    },
  };
}
