import { LiveAvatarSession } from '@heygen/liveavatar-web-sdk';
// or './urql.ts'
import { client } from './apollo.ts';
import { SERVICE_URL } from './connection.ts';
import { CreateTokenDocument } from './generated/documents.ts';

/** Starts the avatar of a conversation. Resolves with its session, which is running, or with the refusal to show. */
export async function startAvatar(conversationId: string) {
  const { data } = await client.mutate({
    mutation: CreateTokenDocument,
    variables: { input: { sessionId: conversationId } },
  });
  const grant = data?.createToken;
  // `message` is for the user; where `fallback` is STATIC_AVATAR, show a picture of the avatar instead.
  if (grant?.__typename !== 'CreateTokenSuccess') return { refusal: grant };

  // The SDK's start and stop go through this service, which counts the session from one to the other.
  const session = new LiveAvatarSession(grant.token, { apiUrl: `${SERVICE_URL}/liveavatar` });
  await session.start();
  return { session, end: () => session.stop() };
}
