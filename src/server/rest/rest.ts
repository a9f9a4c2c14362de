import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Authenticator } from '../auth.ts';
import { errorAnswer, RequestRefusal, type RestAnswer } from './answers/errors.ts';
import type { RestCall, RestDeps } from './call.ts';
import { CALLS } from './calls.ts';
import { readJson, readQuery } from './input.ts';
import { createOpenApiEndpoint, OPENAPI_FILE } from './openapi/endpoint.ts';

export const REST_PATH = '/api/v1/';

interface RestOptions {
  readonly deps: RestDeps;
  readonly authenticator: Authenticator;
  readonly log: Logger;
}

/** Answers a request below {@link REST_PATH}. */
export type Rest = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The methods of a path and what answers them. */
interface Route {
  readonly methods: readonly string[];
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;
}

/** The REST calls, on the same use cases as the GraphQL API, and the OpenAPI document that describes them. */
export function createRest({ deps, authenticator, log }: RestOptions): Rest {
  const routes: ReadonlyMap<string, Route> = new Map([
    [OPENAPI_FILE, { methods: ['GET', 'HEAD'], answer: createOpenApiEndpoint() }],
    ...CALLS.map((call): [string, Route] => [call.path, routeOf(call)]),
  ]);

  function routeOf({ method, execute }: RestCall): Route {
    return {
      methods: [method],
      answer: async (request, response) => {
        const caller = await authenticator.authenticate(request.headers.authorization);
        const input = method === 'POST' ? await readJson(request) : readQuery(request);
        send(response, { status: 200, body: await execute(deps, caller, input) });
      },
    };
  }

  return async (request, response) => {
    try {
      const { methods, answer } = findRoute(routes, request);
      if (request.method === 'OPTIONS') response.writeHead(204, { allow: allowed(methods) }).end();
      else await answer(request, response);
    } catch (error) {
      send(
        response,
        errorAnswer(error, (hidden) => log.error({ err: hidden }, 'REST call failed')),
      );
    }
  };
}

/** @throws RequestRefusal for an unknown path, and for a method that the path does not support */
function findRoute(routes: ReadonlyMap<string, Route>, { url, method = '' }: IncomingMessage): Route {
  const route = routes.get(url?.split('?')[0]?.slice(REST_PATH.length) ?? '');
  if (!route) {
    throw new RequestRefusal(
      404,
      'NOT_FOUND',
      `Not found. The REST calls are described in ${REST_PATH}${OPENAPI_FILE}.`,
    );
  }
  if (method !== 'OPTIONS' && !route.methods.includes(method)) {
    throw new RequestRefusal(405, 'BAD_USER_INPUT', `Method not allowed. Use ${route.methods.join(' or ')}.`, {
      allow: allowed(route.methods),
    });
  }
  return route;
}

function allowed(methods: readonly string[]): string {
  return [...methods, 'OPTIONS'].join(', ');
}

function send(response: ServerResponse, { status, headers, body }: RestAnswer): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
