import type { IncomingMessage } from 'node:http';

/**
 * Whether a WebSocket may be opened from where the request comes from: a program, a page of this very host, or a page of
 * a configured origin. Browsers apply no CORS to WebSockets, so the server has to.
 */
export function isAllowedOrigin({ headers }: IncomingMessage, corsOrigins: readonly string[]): boolean {
  const { origin, host } = headers;
  if (origin === undefined || corsOrigins.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
