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
  const json = parseObject(body);
  const named = json?.session_id ?? null;
  if (json === null || (named !== null && typeof named !== 'string')) {
    return refusal(400, 'Send a JSON object, with session_id as a string, or nothing.');
  }
  return { token, body: JSON.stringify(withOneSession(json)), avatarSessionId: named };
}

/** The vendor might take another spelling of session_id for the one that was looked at. */
function withOneSession(json: Readonly<Record<string, unknown>>): object {
  const members = Object.entries(json);
  return Object.fromEntries(members.filter(([key]) => key === 'session_id' || key.toLowerCase() !== 'session_id'));
}

/** Null for what is no JSON object. */
function parseObject(body: string): { readonly [key: string]: unknown } | null {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && !Array.isArray(json) ? (json as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}
