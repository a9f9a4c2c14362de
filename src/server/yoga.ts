import { createLRUCache, createYoga, type GraphiQLOptions, type Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Caller } from '../domain/caller.ts';
import type { GraphQLDeps } from '../graphql/context.ts';
import { toClientError } from '../graphql/errors.ts';
import { documentLimits } from '../graphql/limits.ts';
import { schema } from '../graphql/schema.ts';
import type { Authenticator } from './auth.ts';
import { limitBody } from './body-limit.ts';
import { createGraphiqlPage } from './graphiql-page.ts';
import { requestChecks } from './request-checks.ts';

export const GRAPHQL_PATH = '/graphql';

/** A document and its variables fit in this many times over. */
export const MAX_REQUEST_BYTES = 64 * 1024;

/** Documents kept with what was found in them. A frontend sends a few dozen; each may take a megabyte. */
const MAX_KEPT_DOCUMENTS = 100;

/** Known where the transport has authenticated the caller already. */
interface TransportContext {
  caller?: Caller;
  streamsUntil?: Date | null;
}

interface PipelineOptions {
  readonly deps: GraphQLDeps;
  readonly authenticator: Authenticator;
  /** Null switches GraphiQL off. */
  readonly graphiql: GraphiQLOptions | null;
  readonly log: Logger;
}

/** The pipeline that every operation goes through, by HTTP, SSE or WebSocket: who, how much, what, and what is shown. */
export function createPipeline({ deps, authenticator, graphiql, log }: PipelineOptions) {
  return createYoga<TransportContext>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: deps,
    plugins: [requestChecks(), limitBody(MAX_REQUEST_BYTES), authentication(authenticator), ...documentLimits()],
    maskedErrors: {
      maskError: (error) => toClientError(error, (hidden) => log.error({ err: hidden }, 'GraphQL operation failed')),
    },
    parserAndValidationCache: {
      documentCache: createLRUCache({ max: MAX_KEPT_DOCUMENTS }),
      errorCache: createLRUCache({ max: MAX_KEPT_DOCUMENTS }),
    },
    maxRequestBodySize: false,
    multipart: false,
    // The server sets the headers, for every path.
    cors: false,
    graphiql: graphiql ?? false,
    renderGraphiQL: createGraphiqlPage(),
    landingPage: false,
    logging: false,
  });
}

export type Pipeline = ReturnType<typeof createPipeline>;

/** Nothing of a request is looked at, its document included, before it is known who sends it. */
function authentication(authenticator: Authenticator): Plugin {
  return {
    async onParams({ request, context }) {
      const known = context as TransportContext;
      if (known.caller) return;
      known.caller = await authenticator.authenticate(request.headers.get('authorization'));
      known.streamsUntil = known.caller.expiresAt;
    },
  };
}
