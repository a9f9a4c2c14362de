import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { authorizedFetch, type Play, SERVICE_URL, socket } from './connection.ts';
import * as documents from './generated/documents.ts';
import possibleTypes from './generated/possible-types.ts';

export const client = new ApolloClient({
  cache: new InMemoryCache(possibleTypes),
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    new HttpLink({ uri: `${SERVICE_URL}/graphql`, fetch: authorizedFetch }),
  ),
});

/** Shows the present warning, then every change of it: null below 80%. Returns a function that stops it. */
export function watchWarning(show: (message: string | null) => void): () => void {
  const subscription = client.subscribe({ query: documents.QuotaUpdatedDocument }).subscribe(({ data }) => {
    if (data) show(data.quotaUpdated.quota.warning?.message ?? null);
  });
  return () => subscription.unsubscribe();
}

/** Starts the avatar of a conversation. Resolves with the function that ends it, or with the refusal to show. */
export async function startAvatar(conversationId: string, play: Play) {
  const created = await client.mutate({
    mutation: documents.CreateTokenDocument,
    variables: { input: { sessionId: conversationId } },
  });
  const grant = created.data?.createToken;
  // `message` is for the user; where `fallback` is STATIC_AVATAR, show a picture of the avatar instead.
  if (grant?.__typename !== 'CreateTokenSuccess') return { refusal: grant };

  const avatarSessionId = await play(grant.token, grant.record.avatarSessionId);
  const started = await client.mutate({
    mutation: documents.TrackStartDocument,
    variables: { input: { sessionId: conversationId, avatarSessionId } },
  });
  const session = started.data?.trackStart;
  // The token expired or was revoked in the meantime: stop the stream.
  if (session?.__typename !== 'TrackStartSuccess') return { refusal: session };

  const input = { avatarSessionId };
  return { end: () => client.mutate({ mutation: documents.TrackEndDocument, variables: { input } }) };
}
