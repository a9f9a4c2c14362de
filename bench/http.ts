import { type Benchmark, perSecond, type Row } from './benchmark.ts';
import { openConnections } from './load.ts';
import { compare } from './measure.ts';
import { issueTokens, runSession, sendTypename } from './operations.ts';
import { startBenchService } from './servers.ts';

const CALLERS = [1, 16, 64] as const;
const OPERATIONS_PER_SESSION = 3;
/** Enough that nobody reaches `MAX_TOKENS_PER_MINUTE`. */
const USERS_PER_CALLER = 100;

/** Sessions through GraphQL over HTTP, each with its token from the vendor, beside a third of the rate of `{ __typename }`. */
export const benchHttp: Benchmark = async ({ url }) => {
  await using service = await startBenchService(url);
  const rows: Row[] = [];
  for (const callers of CALLERS) {
    using connections = await openConnections(service.url, callers);
    const tokens = await issueTokens(`http-${callers}`, callers * USERS_PER_CALLER);
    let next = 0;
    const { figure, peer, ratio } = await compare(
      callers,
      (caller) => runSession(connections.of(caller), tokens[next++ % tokens.length] ?? ''),
      (caller) => sendTypename(connections.of(caller), tokens[caller] ?? ''),
    );
    rows.push([
      `createToken, trackStart, trackEnd, ${callers} callers`,
      perSecond(figure),
      `${(ratio * OPERATIONS_PER_SESSION).toFixed(2)} × a third of { __typename } (${perSecond(peer)} ÷ 3)`,
    ]);
  }
  return rows;
};
