import { authorizedFetch, type Play, SERVICE_URL, socket } from './connection.ts';

type Refusal = { success: false; message: string; code: string; fallback?: 'static_avatar' };
type Created = { success: true; token: string; avatar_session_id: string | null };
type Tracked = { success: true };

async function post<Answer>(call: string, body: object): Promise<Answer | Refusal> {
  const response = await authorizedFetch(`${SERVICE_URL}/api/v1/tokens/${call}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return response.json();
}

/** Shows the present warning, then every change of it: null below 80%. Returns a function that stops it. */
export function watchWarning(show: (message: string | null) => void): () => void {
  return socket.subscribe<{ quotaUpdated: { quota: { warning: { message: string } | null } } }>(
    { query: 'subscription { quotaUpdated { quota { warning { message } } } }' },
    {
      next: ({ data }) => data && show(data.quotaUpdated.quota.warning?.message ?? null),
      error(reason) {
        throw reason;
      },
      complete: () => {},
    },
  );
}

/** Starts the avatar of a conversation. Resolves with the function that ends it, or with the refusal to show. */
export async function startAvatar(conversationId: string, play: Play) {
  const created = await post<Created>('create', { session_id: conversationId });
  // `message` is for the user; where `fallback` is static_avatar, show a picture of the avatar instead.
  if (!created.success) return { refusal: created };

  const avatarSessionId = await play(created.token, created.avatar_session_id);
  const started = await post<Tracked>('track-start', {
    session_id: conversationId,
    avatar_session_id: avatarSessionId,
  });
  // The token expired or was revoked in the meantime: stop the stream.
  if (!started.success) return { refusal: started };

  return { end: () => post<Tracked>('track-end', { avatar_session_id: avatarSessionId }) };
}
