import { issueUserToken } from '../test/support/settings.ts';
import { type Benchmark, beside } from './benchmark.ts';
import { openConnections } from './load.ts';
import { compare } from './measure.ts';
import { sendTypename } from './operations.ts';
import { startBareYoga, startBenchService } from './servers.ts';

const CALLERS = 32;

/** `{ __typename }` with a bearer token, beside GraphQL Yoga without plugins and without authentication. */
export const benchTypename: Benchmark = async ({ url }) => {
  await using service = await startBenchService(url);
  await using bare = await startBareYoga();
  using ours = await openConnections(service.url, CALLERS);
  using theirs = await openConnections(bare.url, CALLERS);
  const token = await issueUserToken('typename');
  const result = await compare(
    CALLERS,
    (caller) => sendTypename(ours.of(caller), token),
    (caller) => sendTypename(theirs.of(caller), null),
  );
  return [[`{ __typename }, ${CALLERS} callers`, ...beside(result, 'bare GraphQL Yoga')]];
};
