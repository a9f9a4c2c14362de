import type { WebSocket } from 'ws';

/**
 * Pings a socket, and cuts it off if it does not answer by the next ping: its peer is gone, or does not read. A socket that is
 * paused here is not judged, since its answers are not read. Returns the timer, which its caller clears.
 */
export function keepAlive(socket: WebSocket, intervalMs: number): NodeJS.Timeout {
  let alive = true;
  socket.on('pong', () => {
    alive = true;
  });
  return setInterval(() => {
    if (!alive && !socket.isPaused) return socket.terminate();
    alive = socket.isPaused;
    socket.ping();
  }, intervalMs);
}
