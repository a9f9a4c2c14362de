import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import type { Sink } from 'graphql-ws';
import { authorizedFetch, type Play, SERVICE_URL, socket } from './connection.ts';
import * as documents from './generated/documents.ts';

export const client = new Client({
  url: `${SERVICE_URL}/graphql`,
  fetch: authorizedFetch,
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query = '', variables = {} }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink as Sink) }),
      }),
    }),
  ],
});

/** Shows the present warning, then every change of it: null below 80%. Returns a function that stops it. */
export function watchWarning(show: (message: string | null) => void): () => void {
  const { unsubscribe } = client.subscription(documents.QuotaUpdatedDocument, {}).subscribe(({ data }) => {
    if (data) show(data.quotaUpdated.quota.warning?.message ?? null);
  });
  return unsubscribe;
}

/** Starts the avatar of a conversation. Resolves with the function that ends it, or with the refusal to show. */
export async function startAvatar(conversationId: string, play: Play) {
  const created = await client.mutation(documents.CreateTokenDocument, { input: { sessionId: conversationId } });
  if (!created.data) throw created.error;
  const grant = created.data.createToken;
  // `message` is for the user; where `fallback` is STATIC_AVATAR, show a picture of the avatar instead.
  if (grant.__typename !== 'CreateTokenSuccess') return { refusal: grant };

  const avatarSessionId = await play(grant.token, grant.record.avatarSessionId);
  const started = await client.mutation(documents.TrackStartDocument, {
    input: { sessionId: conversationId, avatarSessionId },
  });
  if (!started.data) throw started.error;
  const session = started.data.trackStart;
  // The token expired or was revoked in the meantime: stop the stream.
  if (session.__typename !== 'TrackStartSuccess') return { refusal: session };

  return { end: () => client.mutation(documents.TrackEndDocument, { input: { avatarSessionId } }).toPromise() };
}
