import fc from 'fast-check';
import {
  BAD_AVATARS,
  BAD_COUNTS,
  BAD_CURSORS,
  BAD_ERROR_MESSAGES,
  BAD_NAMES,
  BAD_PAGE_SIZES,
  BAD_PERIODS,
  type BadValues,
} from './bad-values.ts';
import { anyBadValue } from './generated-values.ts';

/** A field of a body: its call, its name, what it must not be, what the call needs besides, and whether it is required. */
export type BodyField = [call: string, field: string, bad: BadValues, besides: object, required: boolean];

const SESSION = { session_id: 'chat', avatar_session_id: 'some-session' };

/** Every field of every body. */
export const BODY_FIELDS: BodyField[] = [
  ['tokens/create', 'session_id', BAD_NAMES, {}, true],
  ['tokens/create', 'avatar_name', BAD_AVATARS, SESSION, false],
  ['tokens/track-start', 'avatar_session_id', BAD_NAMES, SESSION, true],
  ['tokens/track-start', 'session_id', BAD_NAMES, SESSION, true],
  ['tokens/track-start', 'user_id', BAD_NAMES, SESSION, false],
  ['tokens/track-start', 'avatar_name', BAD_NAMES, SESSION, false],
  ['tokens/track-end', 'avatar_session_id', BAD_NAMES, SESSION, true],
  ['tokens/track-end', 'words_spoken', BAD_COUNTS, SESSION, false],
  ['tokens/track-end', 'messages_count', BAD_COUNTS, SESSION, false],
  ['tokens/track-end', 'error_message', BAD_ERROR_MESSAGES, SESSION, false],
];

/** Every value of every query. */
export const QUERY_VALUES: [call: string, name: string, bad: BadValues][] = [
  ['usage/summary', 'period', BAD_PERIODS],
  ['usage/history', 'period', BAD_PERIODS],
  ['usage/history', 'limit', BAD_PAGE_SIZES],
  ['usage/history', 'cursor', BAD_CURSORS],
];

/** A value as a query carries it; undefined where it is no bad one there: empty, which is none, or a page's size after all. */
export function toQueryValue(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.toWellFormed() : JSON.stringify(value);
  const isPageSize = /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 100;
  return text === '' || isPageSize ? undefined : text;
}

export interface BadRestRequest {
  readonly method: string;
  /** Below /api/v1/. */
  readonly target: string;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

const badField = fc.constantFrom(...BODY_FIELDS).chain(([target, field, bad, besides]) =>
  anyBadValue(bad).map(
    (value): BadRestRequest => ({
      method: 'POST',
      target,
      body: JSON.stringify({ ...besides, [field]: value }),
    }),
  ),
);
const badQuery = fc.constantFrom(...QUERY_VALUES).chain(([call, name, bad]) =>
  anyBadValue(bad)
    .map(toQueryValue)
    .filter((value) => value !== undefined)
    .map(
      (value): BadRestRequest => ({
        method: 'GET',
        target: `${call}?${new URLSearchParams({ [name]: value })}`,
        body: '',
      }),
    ),
);
const anyCall = fc.constantFrom('tokens/create', 'tokens/track-start', 'tokens/track-end');
const badBody = fc
  .tuple(
    anyCall,
    fc.oneof(
      fc.json(),
      fc.string(),
      fc.jsonValue().map((value) => JSON.stringify([value])),
    ),
  )
  .map(([target, body]): BadRestRequest => ({ method: 'POST', target, body }));
const unknownSession = fc
  .tuple(fc.constantFrom('tokens/track-start', 'tokens/track-end'), fc.uuid(), fc.nat(2 ** 31 - 1))
  .map(
    ([target, id, words]): BadRestRequest => ({
      method: 'POST',
      target,
      body: JSON.stringify({ avatar_session_id: id, session_id: 'chat', words_spoken: words }),
    }),
  );
const badRoute = fc
  .tuple(fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE'), fc.webPath())
  .map(([method, path]): BadRestRequest => ({ method, target: `x${path}`, body: '{"session_id":"chat"}' }));
const badHeader = fc.tuple(fc.constantFrom('Authorization', 'Content-Type'), fc.string()).map(
  ([name, value]): BadRestRequest => ({
    method: 'POST',
    target: 'tokens/create',
    body: '{"session_id":"chat"}',
    headers: { [name]: value },
  }),
);

/** Any request of REST that must be refused. */
export const anyBadRestRequest: fc.Arbitrary<BadRestRequest> = fc.oneof(
  { weight: 6, arbitrary: badField },
  { weight: 4, arbitrary: badQuery },
  { weight: 2, arbitrary: badBody },
  { weight: 2, arbitrary: unknownSession },
  { weight: 1, arbitrary: badRoute },
  { weight: 1, arbitrary: badHeader },
);
