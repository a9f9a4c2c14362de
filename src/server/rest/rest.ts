import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Authenticator } from '../auth.ts';
import { corsHeaders } from '../cors.ts';
import { errorAnswer, RequestRefusal, type RestAnswer } from './answers.ts';
import type { RestCall, RestDeps } from './calls.ts';
import { readJson, readQuery } from './input.ts';
import { createTokenCall, trackEndCall, trackStartCall } from './token-calls.ts';
import { canCreateSessionCall, historyCall, quotaCall, summaryCall } from './usage-calls.ts';

export const REST_PATH = '/api/v1/';

interface Route {
  readonly method: 'GET' | 'POST';
  readonly call: RestCall;
}

const ROUTES: ReadonlyMap<string, Route> = new Map([
  ['tokens/create', { method: 'POST', call: createTokenCall }],
  ['tokens/track-start', { method: 'POST', call: trackStartCall }],
  ['tokens/track-end', { method: 'POST', call: trackEndCall }],
  ['usage/quota', { method: 'GET', call: quotaCall }],
  ['usage/can-create-session', { method: 'GET', call: canCreateSessionCall }],
  ['usage/summary', { method: 'GET', call: summaryCall }],
  ['usage/history', { method: 'GET', call: historyCall }],
]);

interface RestOptions {
  readonly deps: RestDeps;
  readonly authenticator: Authenticator;
  readonly corsOrigins: readonly string[];
  readonly log: Logger;
}

/** Answers a request below {@link REST_PATH}. */
export type Rest = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The REST calls, on the same use cases as the graph: by whom, of what, carried out, and answered. */
export function createRest({ deps, authenticator, corsOrigins, log }: RestOptions): Rest {
  async function carryOut(request: IncomingMessage, { method, call }: Route): Promise<RestAnswer> {
    const caller = await authenticator.authenticate(request.headers.authorization);
    return call(deps, caller, method === 'POST' ? await readJson(request) : readQuery(request));
  }

  return async (request, response) => {
    const cors = corsHeaders(request, corsOrigins);
    try {
      const route = findRoute(request);
      if (request.method === 'OPTIONS') {
        response.writeHead(204, { ...cors, allow: allowed(route) }).end();
        return;
      }
      send(response, cors, await carryOut(request, route));
    } catch (error) {
      send(
        response,
        cors,
        errorAnswer(error, (hidden) => log.error({ err: hidden }, 'A REST call failed')),
      );
    }
  };
}

/** @throws RequestRefusal where there is nothing, or not by this method */
function findRoute({ url, method }: IncomingMessage): Route {
  const path = url?.split('?')[0]?.slice(REST_PATH.length) ?? '';
  const route = ROUTES.get(path);
  if (!route) {
    throw new RequestRefusal(404, 'NOT_FOUND', `There is no such call. Those below ${REST_PATH} are: ${CALLS}.`);
  }
  if (method !== route.method && method !== 'OPTIONS') {
    throw new RequestRefusal(405, 'BAD_USER_INPUT', `Call this by ${route.method}.`, { allow: allowed(route) });
  }
  return route;
}

const CALLS = [...ROUTES.keys()].join(', ');

function allowed({ method }: Route): string {
  return `${method}, OPTIONS`;
}

function send(response: ServerResponse, cors: Record<string, string>, { status, headers, body }: RestAnswer): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    ...cors,
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
