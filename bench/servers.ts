import { nodeCommand, startByCommand, startNodeProcess } from '../test/support/node-process.ts';
import { settingsFor } from '../test/support/settings.ts';
import { startSimulatorProcess } from '../test/support/simulator-process.ts';

export interface BenchServer extends AsyncDisposable {
  readonly url: string;
}

/** The service as a process of its own, over this database, with the simulated vendor in another process. */
export async function startBenchService(databaseUrl: string): Promise<BenchServer> {
  await using parts = new AsyncDisposableStack();
  const simulator = parts.use(await startSimulatorProcess());
  const service = parts.use(
    await startNodeProcess({
      ...settingsFor(simulator.url),
      DATABASE_URL: databaseUrl,
      PORT: '0',
      DEFAULT_MONTHLY_LIMIT_MINUTES: '1000000',
      DEFAULT_MONTHLY_LIMIT_COST: '1000000',
      MAX_TOKENS_PER_MINUTE: '1000',
    }),
  );
  const running = parts.move();
  return { url: service.url, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** GraphQL Yoga without plugins and without authentication, as a process of its own. */
export function startBareYoga(): Promise<BenchServer> {
  return startByCommand(nodeCommand('bench/bare-yoga-program.ts'), { NODE_ENV: 'production' });
}
