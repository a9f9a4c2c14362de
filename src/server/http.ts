import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { answerHealth, answerReadiness, type Readiness } from './health.ts';
import { GRAPHQL_PATH, type Pipeline } from './yoga.ts';

interface HttpOptions {
  readonly pipeline: Pipeline;
  readonly readiness: Readiness;
}

/** Which path is answered by what. */
export function createHttpServer({ pipeline, readiness }: HttpOptions): Server {
  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (request.url?.split('?')[0]) {
      case GRAPHQL_PATH:
        await pipeline(request, response);
        return;
      case '/healthz':
        return answerHealth(response);
      case '/readyz':
        return answerReadiness(response, readiness);
      case '/':
        response.writeHead(302, { location: GRAPHQL_PATH }).end();
        return;
      default:
        response.writeHead(404, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ message: `There is nothing here. GraphQL is at ${GRAPHQL_PATH}.` }));
    }
  }

  return createServer((request, response) => {
    route(request, response).catch(() => response.destroy());
  });
}

/** Resolves with the port that it listens on, which is the one given unless that is 0. */
export async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address ? address.port : port;
}
