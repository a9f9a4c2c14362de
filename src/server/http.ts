import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { corsHeaders } from './cors.ts';
import { answerHealth, answerReadiness, type Readiness } from './health.ts';
import type { Metrics } from './metrics.ts';
import type { OriginPolicy } from './origin.ts';
import { REST_PATH, type Rest } from './rest/rest.ts';
import { watchAnswers } from './shutdown.ts';
import type { StartPage } from './start-page.ts';
import type { SdkEndpoint } from './vendor-sdk/endpoint.ts';
import { GRAPHQL_PATH, type Pipeline } from './yoga.ts';

interface HttpOptions {
  readonly pipeline: Pipeline;
  readonly rest: Rest;
  readonly startPage: StartPage;
  readonly judgeOrigin: OriginPolicy;
  readonly readiness: Readiness;
  /** In the place of the deployment's vendor. */
  readonly sdk: SdkEndpoint;
  /** Null switches `/metrics` off. */
  readonly metrics: Metrics | null;
  readonly log: Logger;
}

/** A client that needs longer than this to say what it wants is cut off. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;

/** Which path is answered by what. */
export function createHttpServer({
  pipeline,
  rest,
  startPage,
  judgeOrigin,
  readiness,
  sdk,
  metrics,
  log,
}: HttpOptions): Server {
  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?')[0] ?? '';
    if (path.startsWith(REST_PATH)) return rest(request, response);
    if (path.startsWith(sdk.prefix)) return sdk.answer(request, response, path);
    switch (path) {
      case GRAPHQL_PATH:
        if (request.method === 'OPTIONS' && response.hasHeader('access-control-allow-origin')) {
          response.writeHead(204).end();
          return;
        }
        await pipeline(request, response);
        return;
      case '/healthz':
        return answerHealth(response);
      case '/readyz':
        return answerReadiness(response, readiness);
      case '/metrics':
        return metrics ? metrics.answer(response) : notFound(response);
      case '/':
        return request.method === 'GET' || request.method === 'HEAD'
          ? startPage(request, response)
          : notFound(response);
      default:
        notFound(response);
    }
  }

  const options = {
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: HEADERS_MS / 2,
    // Some HTTP clients offer h2c with every request: that is to be ignored.
    shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket',
  };
  const server = createServer(options, (request, response) => {
    response.setHeader('cache-control', 'no-store');
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeaders(new Map(Object.entries(corsHeaders(request, judgeOrigin))));
    if (hasGoodHost(request)) {
      route(request, response).catch((error) => {
        log.error({ err: error }, 'HTTP request failed');
        response.destroy();
      });
    } else answer(response, 400, 'The Host header names no host.');
  });
  return watchAnswers(server);
}

/** The pipeline makes a URL of it, and where that fails it would answer with a stack trace. */
function hasGoodHost({ headers: { host } }: IncomingMessage): boolean {
  return !host || (URL.canParse(`http://${host}`) && !/[/\\?#@]/.test(host));
}

function notFound(response: ServerResponse): void {
  answer(response, 404, `Not found. The GraphQL endpoint is \`${GRAPHQL_PATH}\`.`);
}

function answer(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ message }));
}

/**
 * Resolves with the port that it listens on, which is the one given unless that is 0.
 *
 * @throws Error that says what to set, if it cannot listen there
 */
export async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Error(explainListen(error, port, host), { cause: error })));
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address ? address.port : port;
}

function explainListen(error: NodeJS.ErrnoException, port: number, host: string): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} of ${host} is taken: end what listens there, or set PORT to another one.`;
    case 'EACCES':
      return `Port ${port} may not be opened by this user: set PORT to 1024 or more.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is no address of this machine: set HOST to one that is, or to 0.0.0.0 for all.`;
    default:
      return `The service cannot listen on ${host}:${port}: ${error.message}.`;
  }
}
