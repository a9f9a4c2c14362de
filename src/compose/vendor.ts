import type { SimulatorConfig, VendorConfig } from '../config/vendor.ts';
import type { Clock } from '../domain/clock.ts';
import { formatMoney } from '../domain/money.ts';
import type { AvatarVendor } from '../domain/vendor.ts';
import type { OpeningSdk, VendorSdk } from '../domain/vendor-sdk.ts';
import { createHeyGenVendor } from '../vendors/heygen/heygen-vendor.ts';
import { createHeyGenSdk } from '../vendors/heygen/sdk.ts';
import { createLiveAvatarVendor } from '../vendors/liveavatar/liveavatar-vendor.ts';
import { createLiveAvatarSdk } from '../vendors/liveavatar/sdk.ts';
import { type Simulator, startSimulator } from '../vendors/simulator/server.ts';

const SIMULATOR_KEY = 'simulated-key';

/** The vendor, and where the calls of its own SDK are passed on to. */
export type ConnectedVendor =
  | { readonly api: 'liveavatar'; readonly vendor: AvatarVendor; readonly sdk: VendorSdk }
  | { readonly api: 'heygen'; readonly vendor: AvatarVendor; readonly sdk: OpeningSdk };

/** The vendor of the settings. The simulated one is started, and spoken to over HTTP by the adapter of the API it plays. */
export async function createVendor(
  config: VendorConfig,
  clock: Clock,
  parts: AsyncDisposableStack,
): Promise<ConnectedVendor> {
  switch (config.kind) {
    case 'liveavatar': {
      const { apiKey, baseUrl, mode, avatars } = config;
      const vendor = createLiveAvatarVendor({ apiKey, baseUrl, mode, avatars: Object.fromEntries(avatars), clock });
      return { api: 'liveavatar', vendor, sdk: createLiveAvatarSdk({ baseUrl, apiKey, clock }) };
    }
    case 'heygen': {
      const { apiKey, baseUrl } = config;
      const vendor = createHeyGenVendor({ apiKey, baseUrl, clock });
      return { api: 'heygen', vendor, sdk: createHeyGenSdk({ baseUrl, apiKey, clock }) };
    }
    case 'simulator': {
      const remembersFrom = clock();
      const { url: baseUrl } = await startOwnSimulator(config, clock, parts);
      const account = { name: 'simulator', apiKey: SIMULATOR_KEY, baseUrl, clock, remembersFrom };
      return config.api === 'heygen'
        ? { api: 'heygen', vendor: createHeyGenVendor(account), sdk: createHeyGenSdk(account) }
        : {
            api: 'liveavatar',
            vendor: createLiveAvatarVendor({ ...account, mode: 'FULL', avatars: {} }),
            sdk: createLiveAvatarSdk(account),
          };
    }
  }
}

async function startOwnSimulator(
  config: SimulatorConfig,
  clock: Clock,
  parts: AsyncDisposableStack,
): Promise<Simulator> {
  const simulator = await startSimulator({
    port: config.port,
    apiKey: SIMULATOR_KEY,
    clock,
    ...(config.maxConcurrency !== null && { maxConcurrency: config.maxConcurrency }),
    ...(config.credits !== null && { credits: formatMoney(config.credits) }),
    ...(config.maxSessionSeconds !== null && { maxSessionSeconds: config.maxSessionSeconds }),
  });
  parts.defer(() => simulator.close());
  return simulator;
}
