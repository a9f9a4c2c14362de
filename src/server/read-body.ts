import type { IncomingMessage } from 'node:http';

/**
 * The body of a request as text; null if it is larger than allowed: the rest is left unread, and the connection must be
 * closed after the answer.
 *
 * @throws Error when the sender hangs up before its end
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // by default, leaving the loop would destroy the connection, and with it the answer
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
