import { createClient } from 'graphql-ws';

export const SERVICE_URL = 'http://localhost:4000';

/** Your code that plays the vendor's stream. It takes the token, and resolves with the vendor's ID of the session. */
export type Play = (token: string, avatarSessionId: string | null) => Promise<string>;

/** Asks your backend for a token for the signed-in user. A new one for each request cannot expire on its way. */
async function authorization(): Promise<string> {
  const response = await fetch('/api/avatar-quota-token', { method: 'POST' });
  if (!response.ok) throw new Error(`Your backend issued no token: HTTP ${response.status}`);
  return `Bearer ${await response.text()}`;
}

/** `fetch` as the signed-in user. */
export const authorizedFetch: typeof fetch = async (input, init) => {
  const headers = new Headers(init?.headers);
  headers.set('authorization', await authorization());
  return fetch(input, { ...init, headers });
};

/** Carries the subscriptions. It reconnects after any outage, however long, and its subscriptions go on by themselves. */
export const socket = createClient({
  url: `${SERVICE_URL.replace('http', 'ws')}/graphql`,
  connectionParams: async () => ({ authorization: await authorization() }),
  retryAttempts: Infinity,
  shouldRetry: () => true,
  retryWait: (retries) => wait(500 + Math.random() * Math.min(1000 * 2 ** retries, 10_000)),
  keepAlive: 10_000,
  on: { connecting: expectAnswer, connected: stopWaiting, ping: expectAnswer, pong: stopWaiting, closed: stopWaiting },
});

let silence: ReturnType<typeof setTimeout> | undefined;

/** A network that drops packets closes nothing: without an answer for 10 seconds, connect again. */
function expectAnswer(): void {
  stopWaiting();
  silence = setTimeout(() => socket.terminate(), 10_000);
}

function stopWaiting(): void {
  clearTimeout(silence);
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
