import type { IncomingMessage } from 'node:http';
import type { CORSOptions } from 'graphql-yoga';
import type { OriginPolicy } from './origin.ts';

/**
 * The CORS options of an answer by GraphQL Yoga: an allowed origin gets the headers, any other origin gets none.
 *
 * Decided per request: given a list of origins, the library would answer other origins with `null`, which is the origin of
 * sandboxed frames.
 */
export function corsFor(judge: OriginPolicy): (request: Request) => CORSOptions {
  return ({ headers }) => {
    const origin = headers.get('origin');
    return origin !== null && judge(origin, headers.get('host')) === 'allowed'
      ? { origin, credentials: true, methods: ['GET', 'POST'] }
      : false;
  };
}

/** The same headers for an answer that is written without GraphQL Yoga. */
export function corsHeaders({ headers }: IncomingMessage, judge: OriginPolicy): Record<string, string> {
  const { origin, host } = headers;
  if (origin === undefined || judge(origin, host) !== 'allowed') return {};
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'authorization,content-type',
  };
}
