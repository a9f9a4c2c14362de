import type { IncomingMessage } from 'node:http';

/**
 * The whole body of a request; null if it is larger than allowed. The rest of such a one is let through: some clients read
 * the answer only when they have sent everything.
 *
 * @throws Error if the sender hangs up before the end
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer<ArrayBuffer> | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The iterator would destroy the request when it is left early, and nothing more of the connection would be read.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > maxBytes) break;
    chunks.push(chunk);
  }
  if (bytes <= maxBytes) return Buffer.concat(chunks);
  request.resume();
  return null;
}
