export interface Visit {
  /** Where this service is. */
  readonly apiUrl: string;
  /** Where the vendor is. */
  readonly vendorUrl: string;
  readonly token: string;
  readonly userId: string;
  readonly sessionId: string;
}

// biome-ignore lint/suspicious/noExplicitAny: the frontend was written without types
type Json = any;

/**
 * What the original frontend does, by the calls that it was written with: asks, takes a token, streams, and shows what was
 * used. It is handed to a browser as text, so it uses nothing that stands outside of it.
 */
export async function visitAsOriginalFrontend({ apiUrl, vendorUrl, token, userId, sessionId }: Visit) {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };

  async function createToken(): Promise<Json> {
    const response = await fetch(`${apiUrl}/api/v1/tokens/create`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ session_id: sessionId, avatar_name: 'anna' }),
    });
    return response.json();
  }

  async function trackStart(avatarSessionId: string): Promise<Json> {
    const response = await fetch(`${apiUrl}/api/v1/tokens/track-start`, {
      method: 'POST',
      headers,
      body: JSON.stringify({
        avatar_session_id: avatarSessionId,
        user_id: userId,
        session_id: sessionId,
        avatar_name: 'anna',
      }),
    });
    return response.json();
  }

  async function trackEnd(avatarSessionId: string): Promise<Json> {
    const response = await fetch(`${apiUrl}/api/v1/tokens/track-end`, {
      method: 'POST',
      headers,
      body: JSON.stringify({
        avatar_session_id: avatarSessionId,
        words_spoken: 120,
        messages_count: 4,
        error_message: null,
      }),
    });
    return response.json();
  }

  async function fetchUsage(path: string): Promise<Json> {
    const response = await fetch(`${apiUrl}/api/v1/usage/${path}`, { headers });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return response.json();
  }

  /** What the vendor's SDK does with the token. */
  async function startStream(sessionToken: string): Promise<string> {
    const response = await fetch(`${vendorUrl}/v1/sessions/start`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${sessionToken}` },
    });
    const { data } = (await response.json()) as Json;
    return data.session_id;
  }

  const permission = await fetchUsage('can-create-session');
  if (!permission.allowed) return { permission, banner: permission.message };
  const created = await createToken();
  if (!created.success) return { permission, created, banner: created.message };
  const avatarSessionId = await startStream(created.token);
  const started = await trackStart(avatarSessionId);
  const ended = await trackEnd(avatarSessionId);
  const quota = await fetchUsage('quota');
  const summary = await fetchUsage(`summary?period=${quota.current_month}`);
  const history = await fetchUsage('history?limit=10&cursor=');
  return {
    permission,
    created,
    avatarSessionId,
    started,
    ended,
    quota,
    summary,
    history,
    banner: `${quota.used_minutes.toFixed(1)} of ${quota.monthly_limit_minutes} minutes, $${quota.remaining_cost.toFixed(2)} left`,
    bar: Math.round((quota.used_cost / quota.monthly_limit_cost) * 1000) / 10,
  };
}
