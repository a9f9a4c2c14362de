import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { cacheExchange, fetchExchange, subscriptionExchange, Client as UrqlClient } from '@urql/core';
import { OperationTypeNode } from 'graphql';
import { type ClientOptions, createClient, type Client as SocketClient } from 'graphql-ws';
import fragments from '../../src/client/generated/possible-types.ts';
import { Inbox } from './inbox.ts';
import { QUOTA_UPDATED, type QuotaMessage } from './operations.ts';
import type { TestService } from './service.ts';

type Variables = Record<string, unknown>;

/** A client from npm, put together as its documentation says. Disposing closes its socket. */
export interface TestClient extends AsyncDisposable {
  /** Carries out a query or a mutation. Throws on errors. */
  run<Data>(document: string, variables?: Variables): Promise<Data>;
  /** Subscribes to quotaUpdated. */
  watchQuota(options?: { extensions: Variables }): Inbox<QuotaMessage>;
}

type ClientFactory = (service: Pick<TestService, 'url' | 'webSocketUrl'>, token: string) => TestClient;

/** Apollo Client itself, with a normalizing cache that knows the possible types. Disposing closes its socket. */
export function openApollo({ url, webSocketUrl }: Pick<TestService, 'url' | 'webSocketUrl'>, token: string) {
  const authorization = `Bearer ${token}`;
  const socket = createClient({ ...RECONNECTS, url: webSocketUrl, connectionParams: { authorization } });
  const client = new ApolloClient({
    cache: new InMemoryCache(fragments),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: `${url}/graphql`, headers: { authorization } }),
    ),
  });
  return {
    client,
    async [Symbol.asyncDispose]() {
      client.stop();
      await close(socket);
    },
  };
}

/** Apollo Client, with its normalizing cache. */
export const apolloClient: ClientFactory = (service, token) => {
  const { client, ...disposable } = openApollo(service, token);
  return {
    ...disposable,
    async run<Data>(document: string, variables: Variables = {}) {
      const isMutation = document.trimStart().startsWith('mutation');
      const { data } = isMutation
        ? await client.mutate({ mutation: gql(document), variables })
        : await client.query({ query: gql(document), variables });
      return data as Data;
    },
    watchQuota() {
      const inbox = new Inbox<QuotaMessage>();
      const subscription = client.subscribe<{ quotaUpdated: QuotaMessage }>({ query: gql(QUOTA_UPDATED) }).subscribe({
        next: ({ data, error }) => (data ? deliver(inbox, data.quotaUpdated) : inbox.end(error)),
        error: (error) => inbox.end(error),
        complete: () => inbox.end(),
      });
      inbox.unsubscribe = () => subscription.unsubscribe();
      return inbox;
    },
  };
};

/** urql, with its document cache. */
export const urqlClient: ClientFactory = ({ url, webSocketUrl }, token) => {
  const authorization = `Bearer ${token}`;
  const socket = createClient({ ...RECONNECTS, url: webSocketUrl, connectionParams: { authorization } });
  const client = new UrqlClient({
    url: `${url}/graphql`,
    preferGetMethod: false,
    fetchOptions: { headers: { authorization } },
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query, variables: variables as Variables }, sink as never),
          }),
        }),
      }),
    ],
  });
  return {
    async run<Data>(document: string, variables: Variables = {}) {
      const isMutation = document.trimStart().startsWith('mutation');
      const { data, error } = isMutation
        ? await client.mutation(document, variables)
        : await client.query(document, variables);
      if (error) throw error;
      return data as Data;
    },
    watchQuota() {
      const inbox = new Inbox<QuotaMessage>();
      const { unsubscribe } = client
        .subscription<{ quotaUpdated: QuotaMessage }>(QUOTA_UPDATED, {})
        .subscribe(({ data, error }) => (data ? deliver(inbox, data.quotaUpdated) : inbox.end(error)));
      inbox.unsubscribe = unsubscribe;
      return inbox;
    },
    [Symbol.asyncDispose]: () => close(socket),
  };
};

/** graphql-ws by itself: everything over the one socket. */
export const socketClient = (
  { webSocketUrl }: Pick<TestService, 'webSocketUrl'>,
  token: string | null,
  options: Partial<ClientOptions> = {},
): TestClient & { terminate(): void } => {
  const client = createClient({
    ...RECONNECTS,
    url: webSocketUrl,
    ...(token !== null && { connectionParams: { authorization: `Bearer ${token}` } }),
    ...options,
  });
  return {
    async run<Data>(query: string, variables: Variables = {}) {
      for await (const { data, errors } of client.iterate<Data>({ query, variables })) {
        if (errors) throw new AggregateError(errors);
        return data as Data;
      }
      throw new Error('No answer came');
    },
    watchQuota(options) {
      const inbox = new Inbox<QuotaMessage>();
      inbox.unsubscribe = client.subscribe<{ quotaUpdated: QuotaMessage }>(
        { query: QUOTA_UPDATED, ...options },
        {
          next: ({ data, errors }) => (data ? deliver(inbox, data.quotaUpdated) : inbox.end(errors)),
          error: (error) => inbox.end(error),
          complete: () => inbox.end(),
        },
      );
      return inbox;
    },
    /** Breaks the connection. */
    terminate: () => client.terminate(),
    [Symbol.asyncDispose]: () => close(client),
  };
};

/** By the name of the package. */
export const CLIENTS: Record<string, ClientFactory> = {
  '@apollo/client': apolloClient,
  '@urql/core': urqlClient,
  'graphql-ws': socketClient,
};

/**
 * A connection that is refused while the service restarts is an error and not a close, and is only retried with
 * `shouldRetry`; closes that forbid a retry still end it. The library's own waits begin at a second.
 */
const RECONNECTS: Partial<ClientOptions> = {
  shouldRetry: () => true,
  retryAttempts: 1_000,
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
};

/** A client that is about to connect rejects with why it could not. */
async function close(client: SocketClient): Promise<void> {
  await Promise.resolve(client.dispose()).catch(() => {});
}

function deliver(inbox: Inbox<QuotaMessage>, message: Omit<QuotaMessage, 'arrivedAt'>): void {
  inbox.deliver({ ...message, arrivedAt: Date.now() });
}
