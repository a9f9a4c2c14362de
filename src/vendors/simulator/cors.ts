import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from './answers.ts';

/**
 * What lets a page call with `credentials: include`, as the vendor's SDK does: the page's own origin, never `*`.
 *
 * Empty for an origin that is not allowed; the browser then keeps the answer from the page.
 */
export function corsHeaders(headers: IncomingHttpHeaders, allowedOrigins: readonly string[]): Record<string, string> {
  const { origin } = headers;
  if (origin === undefined || !allowedOrigins.includes(origin)) return {};
  return { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true', vary: 'origin' };
}

/** The answer to the question that a browser asks before a call. */
export function preflight(allowed: boolean): Answer {
  if (!allowed) return { status: 400, body: 'Disallowed CORS origin' };
  return {
    status: 204,
    body: undefined,
    headers: {
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization, content-type, x-api-key',
      'access-control-max-age': '600',
    },
  };
}
