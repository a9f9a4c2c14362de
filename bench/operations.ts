import { randomUUID } from 'node:crypto';
import { print } from 'graphql';
import {
  CreateTokenDocument,
  QuotaDocument,
  TrackEndDocument,
  TrackStartDocument,
} from '../src/client/generated/documents.ts';
import { issueUserToken } from '../test/support/settings.ts';
import type { Connection } from './load.ts';

// The operations that the client package sends.
const CREATE_TOKEN = print(CreateTokenDocument);
const TRACK_START = print(TrackStartDocument);
const TRACK_END = print(TrackEndDocument);
const QUOTA_BODY = JSON.stringify({ query: print(QuotaDocument) });
const TYPENAME_BODY = JSON.stringify({ query: '{ __typename }' });

/** Bearer tokens of users who differ in their number. */
export function issueTokens(name: string, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, (_, number) => issueUserToken(`${name}-${number}`)));
}

/** The cheapest operation. Without a token, a server that asks for none is called. */
export function sendTypename(connection: Connection, token: string | null): Promise<string> {
  return connection.post({ token, body: TYPENAME_BODY });
}

export function sendQuota(connection: Connection, token: string): Promise<string> {
  return connection.post({ token, body: QUOTA_BODY });
}

/** A session's life: createToken, trackStart, trackEnd. */
export async function runSession(connection: Connection, token: string): Promise<void> {
  const started = await startSession(connection, token);
  await sendMutation(connection, token, TRACK_END, 'trackEnd', { avatarSessionId: started });
}

/** Leaves the session running. Returns the ID of the avatar session. */
export async function startSession(connection: Connection, token: string): Promise<string> {
  const sessionId = randomUUID();
  const { avatarSessionId } = await sendMutation(connection, token, CREATE_TOKEN, 'createToken', { sessionId });
  await sendMutation(connection, token, TRACK_START, 'trackStart', { sessionId, avatarSessionId });
  return avatarSessionId;
}

interface Acted {
  readonly data: Record<string, { readonly record?: { readonly avatarSessionId: string } }>;
}

async function sendMutation(
  connection: Connection,
  token: string,
  query: string,
  field: string,
  input: Record<string, unknown>,
): Promise<{ readonly avatarSessionId: string }> {
  const answer = await connection.post({ token, body: JSON.stringify({ query, variables: { input } }) });
  const record = (JSON.parse(answer) as Acted).data[field]?.record;
  if (!record) throw new Error(answer);
  return record;
}
