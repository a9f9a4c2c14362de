import { type Benchmark, beside } from './benchmark.ts';
import { openConnections } from './load.ts';
import { compare } from './measure.ts';
import { issueTokens, sendQuota, sendTypename, startSession } from './operations.ts';
import { startBenchService } from './servers.ts';

const CALLERS = 32;

/** The client package's quota query of as many users, each with a running session, beside `{ __typename }`. */
export const benchQuota: Benchmark = async ({ url }) => {
  await using service = await startBenchService(url);
  using connections = await openConnections(service.url, CALLERS);
  const tokens = await issueTokens('quota', CALLERS);
  const tokenOf = (caller: number) => tokens[caller] ?? '';
  await Promise.all(tokens.map((token, caller) => startSession(connections.of(caller), token)));
  const result = await compare(
    CALLERS,
    (caller) => sendQuota(connections.of(caller), tokenOf(caller)),
    (caller) => sendTypename(connections.of(caller), tokenOf(caller)),
  );
  return [[`quota, ${CALLERS} callers`, ...beside(result, '{ __typename }')]];
};
