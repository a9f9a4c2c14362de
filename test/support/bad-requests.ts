import fc from 'fast-check';
import { ARGUMENTS, callField } from './arguments.ts';
import { anyBadDocument } from './generated-documents.ts';
import { anyBadValue } from './generated-values.ts';
import { printLiteral } from './literal.ts';
import { TRACK_END, TRACK_HEARTBEAT, TRACK_START } from './operations.ts';

/** A request that must be refused. The headers stand beside or in place of a good token's and those of JSON. */
export type BadRequest =
  | {
      readonly kind: 'http';
      readonly method?: string;
      readonly target?: string;
      readonly headers?: Record<string, string>;
      readonly body: string;
    }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'message'; readonly message: string };

const CREATE_TOKEN = JSON.stringify({ query: 'mutation { createToken(input: { sessionId: "chat" }) { __typename } }' });

const inOperation = (operation: fc.Arbitrary<{ query: string; variables?: unknown }>): fc.Arbitrary<BadRequest> =>
  fc.oneof(
    { weight: 4, arbitrary: operation.map((payload) => ({ kind: 'http' as const, body: JSON.stringify(payload) })) },
    {
      weight: 1,
      arbitrary: operation.map((payload) => ({
        kind: 'message' as const,
        message: JSON.stringify({ type: 'subscribe', id: '1', payload }),
      })),
    },
  );

const badArgument = fc
  .constantFrom(...ARGUMENTS)
  .chain(([kind, ...row]) =>
    anyBadValue(row[3]).chain((value) =>
      fc.constantFrom(
        { query: `${kind} { ${callField(row, printLiteral(value))} }` },
        { query: `${kind} ($value: ${row[2]}) { ${callField(row, '$value')} }`, variables: { value } },
      ),
    ),
  );
const notNull = fc.jsonValue().filter((value) => value !== null);
const badVariables = fc.constantFrom(TRACK_START, TRACK_HEARTBEAT, TRACK_END).chain((query) =>
  fc.oneof(
    notNull.map((variables) => ({ query, variables })),
    notNull.map((input) => ({ query, variables: { input } })),
    fc
      .dictionary(fc.string(), fc.jsonValue())
      .map((input) => ({ query, variables: { input: { avatarSessionId: 'x', ...input, other: 1 } } })),
  ),
);
const unknownSession = fc
  .tuple(fc.uuid(), fc.nat(), fc.string())
  .chain(([avatarSessionId, wordsSpoken, errorMessage]) =>
    fc.constantFrom(
      { query: TRACK_START, variables: { input: { sessionId: 'chat', avatarSessionId } } },
      { query: TRACK_HEARTBEAT, variables: { input: { avatarSessionId, wordsSpoken } } },
      { query: TRACK_END, variables: { input: { avatarSessionId, wordsSpoken, errorMessage } } },
    ),
  );

const visible = fc.string({ minLength: 1 }).filter((text) => text.trim() !== '');
const header = (name: string, value: fc.Arbitrary<string>): fc.Arbitrary<BadRequest> =>
  value.map((text) => ({ kind: 'http', headers: { [name]: text }, body: CREATE_TOKEN }));
const badHeader = fc.oneof(
  header('Authorization', fc.string()),
  header(
    'Authorization',
    fc.base64String().map((text) => `Bearer ${text}.${text}.${text}`),
  ),
  header('Accept', visible),
  header('Content-Type', fc.string()),
  header('Content-Length', fc.integer({ max: -1 }).map(String)),
  header(
    'Transfer-Encoding',
    visible.map((text) => `x${text}`),
  ),
  fc
    .string()
    .map((host): BadRequest => ({ kind: 'http', headers: { Host: host, Authorization: '' }, body: CREATE_TOKEN })),
  fc.webPath().map((path): BadRequest => ({ kind: 'http', target: `/x${path}`, body: CREATE_TOKEN })),
  fc
    .constantFrom('PUT', 'PATCH', 'DELETE', 'TRACE', 'OPTIONS')
    .map((method): BadRequest => ({ kind: 'http', method, body: CREATE_TOKEN })),
);
const bytes = fc.uint8Array({ maxLength: 500 });
const badBody = fc.oneof(
  fc.json(),
  fc.string(),
  bytes.map((body) => String.fromCharCode(...body)),
  fc.jsonValue().map((value) => JSON.stringify([value])),
);
const search = fc.dictionary(
  fc.constantFrom('query', 'variables', 'extensions', 'operationName'),
  fc.string({ minLength: 1 }),
);
const badSearch = search.map(
  ({ query = 'x', ...others }): BadRequest => ({
    kind: 'http',
    method: 'GET',
    target: `/graphql?${new URLSearchParams({ query, ...others })}`,
    body: '',
  }),
);

/** Any request that must be refused. */
export const anyBadRequest: fc.Arbitrary<BadRequest> = fc.oneof(
  { weight: 6, arbitrary: inOperation(badArgument) },
  { weight: 4, arbitrary: inOperation(anyBadDocument.map((query) => ({ query }))) },
  { weight: 2, arbitrary: inOperation(badVariables) },
  { weight: 2, arbitrary: inOperation(unknownSession) },
  { weight: 2, arbitrary: badHeader },
  { weight: 1, arbitrary: badBody.map((body): BadRequest => ({ kind: 'http', body })) },
  { weight: 1, arbitrary: badSearch },
  { weight: 1, arbitrary: bytes.map((sent): BadRequest => ({ kind: 'bytes', bytes: sent })) },
  {
    weight: 1,
    arbitrary: fc.oneof(fc.json(), fc.string()).map((message): BadRequest => ({ kind: 'message', message })),
  },
);
