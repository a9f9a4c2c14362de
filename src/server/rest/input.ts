import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { BadUserInputError } from '../../domain/errors.ts';
import { readBody } from '../read-body.ts';
import { MAX_REQUEST_BYTES } from '../yoga.ts';
import { RequestRefusal } from './answers/errors.ts';

const JSON_TYPE = /^application\/json\s*(;|$)/i;
const NOT_JSON = 'The body must be one JSON object, in UTF-8.';

/** @throws RequestRefusal or BadUserInputError for a body that is not JSON, too large, or incomplete */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  if (!JSON_TYPE.test(request.headers['content-type'] ?? '')) {
    throw new RequestRefusal(415, 'BAD_USER_INPUT', 'Send the body as JSON, with the content type application/json.');
  }
  const bytes = await readBytes(request);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new BadUserInputError(NOT_JSON, []);
  }
}

/** The values of the query. An empty value is ignored. */
export function readQuery(request: IncomingMessage): unknown {
  const [, search] = request.url?.split('?', 2) ?? [];
  return Object.fromEntries([...new URLSearchParams(search)].filter(([, value]) => value !== ''));
}

/** @throws BadUserInputError that names the first invalid value */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const { data, error } = schema.safeParse(input);
  if (!error) return data;
  const [issue] = error.issues;
  if (!issue || issue.path.length === 0) throw new BadUserInputError(NOT_JSON, []);
  const path = issue.path.map(String);
  throw new BadUserInputError(`${path.join('.')}: ${issue.message}`, path);
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const bytes = await readBody(request, MAX_REQUEST_BYTES).catch(() => {
    throw new BadUserInputError('The body is incomplete. Send it again.', []);
  });
  if (bytes) return bytes;
  throw new RequestRefusal(413, 'LIMIT_EXCEEDED', `The body must not be larger than ${MAX_REQUEST_BYTES / 1024} KiB.`);
}
