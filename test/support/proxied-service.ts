import { type Logger, pino } from 'pino';
import { startService } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { startSimulator } from '../../src/vendors/simulator/server.ts';
import { issueUserToken, settingsFor, VENDOR_KEY } from './settings.ts';
import { startTcpProxy } from './tcp-proxy.ts';

/**
 * The whole service in this process, with networks that can fail between it, its database and its simulated vendor.
 * Disposing stops it; the database is its caller's.
 */
export async function startProxiedService(
  databaseUrl: string,
  settings: Record<string, string> = {},
  { log = pino({ level: 'silent' }) }: { log?: Logger } = {},
) {
  await using parts = new AsyncDisposableStack();
  const toDatabase = parts.use(await startTcpProxy(Number(new URL(databaseUrl).port)));
  const simulator = await startSimulator({ apiKey: VENDOR_KEY });
  parts.defer(() => simulator.close());
  const toVendor = parts.use(await startTcpProxy(Number(new URL(simulator.url).port)));

  const proxiedUrl = new URL(databaseUrl);
  proxiedUrl.port = String(toDatabase.port);
  const environment = {
    ...settingsFor(`http://127.0.0.1:${toVendor.port}`),
    DATABASE_URL: proxiedUrl.href,
    PORT: '0',
    ...settings,
  };
  const service = await startService(loadConfig(environment), log);
  parts.defer(() => service.stop());
  const running = parts.move();
  return {
    url: service.url,
    webSocketUrl: `${service.url.replace('http', 'ws')}/graphql`,
    simulator,
    toDatabase,
    toVendor,
    token: issueUserToken,
    stop: () => service.stop(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

export type ProxiedService = Awaited<ReturnType<typeof startProxiedService>>;
