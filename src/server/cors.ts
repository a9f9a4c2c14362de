import type { IncomingMessage } from 'node:http';
import type { CORSOptions } from 'graphql-yoga';

/**
 * The CORS headers of an answer to a page: those of a configured origin get them, any other page gets none.
 *
 * Decided per request: with a list of origins the library would answer foreign ones with `null`, which is the origin of
 * sandboxed frames.
 */
export function corsFor(corsOrigins: readonly string[]): (request: Request) => CORSOptions {
  return (request) => {
    const origin = request.headers.get('origin');
    return origin !== null && corsOrigins.includes(origin)
      ? { origin, credentials: true, methods: ['GET', 'POST'] }
      : false;
  };
}

/** The same headers for an answer that we write ourselves. */
export function corsHeaders({ headers }: IncomingMessage, corsOrigins: readonly string[]): Record<string, string> {
  const { origin } = headers;
  if (origin === undefined || !corsOrigins.includes(origin)) return {};
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'authorization,content-type',
  };
}
