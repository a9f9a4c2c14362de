import packageJson from '../package.json' with { type: 'json' };
import type { Service } from './compose.ts';
import type { Config } from './config.ts';
import { messageOf } from './domain/message-of.ts';

/** If the orderly shutdown takes longer than this, the process ends all the same. */
const SHUTDOWN_FUSE_MS = 15_000;
const SAME_SIGNAL_MS = 1_000;

const stopping = new AbortController();
let stoppingSince: number | undefined;
let starting: Promise<Service> | undefined;
// Before anything else: the first process of a container ignores a signal that it does not handle.
process.on('SIGINT', shutDown);
process.on('SIGTERM', shutDown);

// Libraries choose their fast paths by this when they are loaded, so it stands before they are.
process.env.NODE_ENV ??= 'production';
const { ConfigError } = await import('./config/load-settings.ts');
const { loadConfig } = await import('./config.ts');
const { startService } = await import('./compose.ts');
const { createLogger, terminalDestination } = await import('./server/log.ts');
const { summarize } = await import('./server/start-summary.ts');

const config = readConfig();
const log = createLogger(config.logLevel, process.stdout.isTTY ? await terminalDestination() : undefined);
starting = startService(config, log, { signal: stopping.signal });
try {
  announce(await starting);
} catch (error) {
  if (!stopping.signal.aborted) {
    log.debug({ err: error }, 'The service did not start');
    fail([messageOf(error)]);
  }
}

function readConfig(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigError) return fail(error.problems);
    throw error;
  }
}

function announce({ url, demo }: Service): void {
  const summary = { version: packageJson.version, url, ...summarize(config) };
  if (!demo) {
    log.info(summary, 'Started');
    return;
  }
  log.debug(summary, 'Started');
  process.stdout.write(
    [
      `Start page  ${url}`,
      ...(config.graphiql ? [`GraphiQL    ${url}/graphql`] : [`GraphQL     ${url}/graphql`]),
      `Demo user   ${demo.userToken}`,
      `Demo admin  ${demo.adminToken}`,
      '',
    ].join('\n'),
  );
}

/** Ctrl-C in a terminal may come twice, from it and from npm; one that comes later means: at once. */
function shutDown(): void {
  if (stoppingSince !== undefined) {
    if (Date.now() - stoppingSince > SAME_SIGNAL_MS) process.exit(130);
    return;
  }
  stoppingSince = Date.now();
  setTimeout(() => fail(['The shutdown took too long; what was under way is cut off.']), SHUTDOWN_FUSE_MS).unref();
  stop().then(
    () => process.exit(0),
    (error: unknown) => fail([`The shutdown failed: ${messageOf(error)}`]),
  );
}

/** A start that is under way is abandoned where it can be, and undone where it cannot. */
async function stop(): Promise<void> {
  stopping.abort();
  const service = await starting?.catch((error: unknown) => log.debug({ err: error }, 'The start was abandoned'));
  await service?.stop();
}

function fail(problems: readonly string[]): never {
  process.stderr.write(`${problems.join('\n')}\n`);
  process.exit(1);
}
