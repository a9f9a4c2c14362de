import type { IncomingMessage } from 'node:http';
import type { SdkRequest } from '../../app/sdk-outcome.ts';
import { bearerToken } from '../bearer.ts';
import { readBody } from '../read-body.ts';
import { MAX_REQUEST_BYTES } from '../yoga.ts';
import { type Reply, refusal } from './reply.ts';

/** Reads a call of a vendor's SDK: its token, and a body that is a JSON object or empty. A reply if it cannot be read. */
export async function readSdkRequest(request: IncomingMessage): Promise<SdkRequest | Reply> {
  const token = bearerToken(request.headers.authorization);
  if (token === null) return refusal(401, 'Send the session token of createToken: "Authorization: Bearer <token>".');
  const bytes = await readBody(request, MAX_REQUEST_BYTES);
  if (bytes === null) return refusal(413, `A body may have ${MAX_REQUEST_BYTES / 1024} KiB, not more.`);
  const body = bytes.toString();
  if (body.trim() === '') return { token, body: '', avatarSessionId: null };
  const named = sessionIdOf(body);
  if (named === undefined) return refusal(400, 'Send a JSON object, with session_id as a string, or nothing.');
  return { token, body, avatarSessionId: named };
}

/** The session that a body names; null if it names none, undefined if it cannot be understood. */
function sessionIdOf(body: string): string | null | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const { session_id: named = null } = json as { session_id?: unknown };
  return named === null || typeof named === 'string' ? named : undefined;
}
