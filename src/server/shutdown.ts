import type { Server, ServerResponse } from 'node:http';

/** How long answers under way may still take. */
const DRAIN_MS = 5_000;

const underWay = new WeakMap<Server, Set<ServerResponse>>();

/** Keeps in mind which answers are under way, for {@link closeHttp}. */
export function watchAnswers(server: Server): Server {
  const answers = new Set<ServerResponse>();
  underWay.set(server, answers);
  return server.on('request', (_request, answer) => {
    answers.add(answer);
    answer.once('close', () => answers.delete(answer));
  });
}

/**
 * Takes no more requests and lets those under way finish. Streams of events, which end by nothing else, are broken off
 * at once: unlike a proper end, that makes their clients come back.
 */
export async function closeHttp(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  for (const answer of underWay.get(server) ?? []) {
    if (isStream(answer)) answer.destroy();
    else answer.once('close', () => server.closeIdleConnections());
  }
  const fuse = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(fuse);
}

function isStream(answer: ServerResponse): boolean {
  return String(answer.getHeader('content-type')).startsWith('text/event-stream');
}
