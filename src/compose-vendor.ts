import type { VendorConfig } from './config.ts';
import type { Clock } from './domain/clock.ts';
import { formatMoney } from './domain/money.ts';
import type { AvatarVendor } from './domain/vendor.ts';
import type { VendorSdk } from './domain/vendor-sdk.ts';
import { createLiveAvatarVendor } from './vendors/liveavatar/liveavatar-vendor.ts';
import { createLiveAvatarSdk } from './vendors/liveavatar/sdk.ts';
import { startSimulator } from './vendors/simulator/server.ts';

const SIMULATOR_KEY = 'simulated-key';

export interface ConnectedVendor {
  readonly vendor: AvatarVendor;
  /** Where the calls of the vendor's own SDK are passed on to. */
  readonly sdk: VendorSdk;
}

/** The vendor of the settings. The simulated one is started, and spoken to by LiveAvatar's adapter over HTTP. */
export async function createVendor(
  config: VendorConfig,
  clock: Clock,
  parts: AsyncDisposableStack,
): Promise<ConnectedVendor> {
  if (config.kind === 'liveavatar') {
    const { apiKey, baseUrl, mode, avatars } = config;
    return {
      vendor: createLiveAvatarVendor({ apiKey, baseUrl, mode, avatars: Object.fromEntries(avatars), clock }),
      sdk: createLiveAvatarSdk({ baseUrl, clock }),
    };
  }
  const startedAt = clock();
  const simulator = await startSimulator({
    port: config.port,
    apiKey: SIMULATOR_KEY,
    clock,
    ...(config.maxConcurrency !== null && { maxConcurrency: config.maxConcurrency }),
    ...(config.credits !== null && { credits: formatMoney(config.credits) }),
    ...(config.maxSessionSeconds !== null && { maxSessionSeconds: config.maxSessionSeconds }),
  });
  parts.defer(() => simulator.close());
  const baseUrl = simulator.url;
  return {
    vendor: createLiveAvatarVendor({
      name: 'simulator',
      baseUrl,
      apiKey: SIMULATOR_KEY,
      mode: 'FULL',
      avatars: {},
      clock,
      remembersFrom: startedAt,
    }),
    sdk: createLiveAvatarSdk({ baseUrl, clock }),
  };
}
