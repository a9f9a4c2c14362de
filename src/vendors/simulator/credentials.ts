import type { IncomingHttpHeaders } from 'node:http';
import { unauthorized } from './answers.ts';
import type { Caller, Route } from './routes.ts';
import type { SessionTokens } from './tokens.ts';

/**
 * The caller of a request. A credential that the route does not accept is treated as missing.
 *
 * @param apiKey the account's key; undefined to take any
 * @throws Refusal with 401
 */
export async function authenticate(
  headers: IncomingHttpHeaders,
  route: Route,
  apiKey: string | undefined,
  tokens: SessionTokens,
): Promise<Caller> {
  const key = headers['x-api-key'];
  if (key && route.credentials.includes('key')) {
    if (apiKey === undefined || key === apiKey) return 'account';
    throw unauthorized();
  }
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const sessionId = bearer && route.credentials.includes('token') ? await tokens.verify(bearer) : null;
  if (sessionId === null) throw unauthorized();
  return { sessionId };
}
