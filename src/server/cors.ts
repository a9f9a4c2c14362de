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
