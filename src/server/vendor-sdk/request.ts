import type { IncomingMessage } from 'node:http';
import type { SdkRequest } from '../../app/sdk-outcome.ts';
import { bearerToken } from '../bearer.ts';
import { readBody } from '../read-body.ts';
import { type Reply, refusal } from './reply.ts';

const MAX_BODY_BYTES = 64 * 1024;

/** Reads a call of a vendor's SDK: its token, and a body that is a JSON object or empty. A reply if it cannot be read. */
export async function readSdkRequest(request: IncomingMessage): Promise<SdkRequest | Reply> {
  const token = bearerToken(request.headers.authorization);
  if (token === null) return refusal(401, 'Send the session token of createToken: "Authorization: Bearer <token>".');
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body === null) return refusal(413, `Send no more than ${MAX_BODY_BYTES} bytes.`);
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
