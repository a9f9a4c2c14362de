import type { Server } from 'node:http';

/** How long answers under way may still take. */
const DRAIN_MS = 5_000;

/** Takes no more requests, lets those under way finish, then closes what is left: idle connections and open streams. */
export async function closeHttp(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const fuse = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(fuse);
}
