import type { IncomingMessage } from 'node:http';
import type { OriginPolicy } from './origin.ts';

/** The CORS headers of an answer: an allowed origin gets them, any other origin gets none. */
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
