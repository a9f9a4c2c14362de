import packageJson from '../../../../package.json' with { type: 'json' };
import type { ErrorStatus } from '../answers/errors.ts';
import type { RestCall } from '../call.ts';
import { CALLS } from '../calls.ts';
import { exampleOf } from '../schemas.ts';
import { ERROR_RESPONSES, HEADERS } from './error-responses.ts';
import { componentSchemas, parameterSchema, schemaId, schemaRef } from './schemas.ts';

const DESCRIPTION = `\
Avatar Quota issues tokens for streaming avatars, meters the sessions, and enforces a monthly quota per user.

A session takes three calls: \`createToken\` holds quota and returns a token for the vendor’s SDK, \`trackStart\` reports the \
start of the stream, and \`trackEnd\` reports its end. The server measures the duration. A session that is never ended ends \
automatically when its held seconds are used.

**Refusals.** A request that the service understands but refuses, such as one without enough quota, has status 200 and \
\`success: false\`. Show its \`message\` to the user, and decide by its \`code\`.

**Errors.** Every other status has a body with \`success: false\`, \`message\`, and \`code\`. An unknown path has status 404 \
and the code \`NOT_FOUND\`.

**Money.** Costs are JSON numbers in the currency of the deployment, with up to six decimals. For exact arithmetic, use the \
decimal strings of the GraphQL API at \`/graphql\`, which has the same quotas and sessions, and live updates.

**Compatibility.** Ignore properties that you do not know: a later version can add some.`;

/** The OpenAPI document of the REST calls, ready to be written as JSON. */
export function openApiDocument() {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Avatar Quota',
      version: packageJson.version,
      summary: 'Quotas and metering for sessions with streaming avatars.',
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/api/v1', description: 'The service that serves this document.' }],
    security: [{ bearer: [] }],
    tags: [
      { name: 'Tokens', description: 'Start and end sessions.' },
      { name: 'Usage', description: 'Read quotas and usage.' },
    ],
    paths: Object.fromEntries(CALLS.map((call) => [`/${call.path}`, { [call.method.toLowerCase()]: operation(call) }])),
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'A JWT of your app. Its `sub` claim is the user, and its `exp` claim is required.',
        },
      },
      headers: HEADERS,
      responses: Object.fromEntries(Object.values(ERROR_RESPONSES).map((response) => [response.name, error(response)])),
      schemas: componentSchemas(),
    },
  };
}

function operation(call: RestCall) {
  return {
    operationId: call.operationId,
    tags: [call.tag],
    summary: call.summary,
    description: call.description,
    ...input(call),
    responses: {
      200: success(call),
      ...Object.fromEntries(errorStatuses(call).map((status) => [status, responseRef(status)])),
    },
  };
}

function input({ method, input }: RestCall) {
  if (method === 'POST') {
    const content = { schema: schemaRef(input), example: exampleOf(input) };
    return { requestBody: { required: true, content: { 'application/json': content } } };
  }
  const parameters = Object.entries(input.shape).map(([name, value]) => {
    const { description, examples, ...schema } = parameterSchema(value);
    const required = !value.safeParse(undefined).success;
    return { name, in: 'query', required, description, schema, example: examples?.[0] };
  });
  return parameters.length > 0 ? { parameters } : {};
}

function success({ answers }: RestCall) {
  const [answer, ...refusals] = answers;
  if (!answer) throw new Error('A call needs an answer.');
  if (refusals.length === 0) {
    const content = { schema: schemaRef(answer), example: exampleOf(answer) };
    return { description: answer.description, content: { 'application/json': content } };
  }
  return {
    description: answers.map((one) => `- \`${schemaId(one)}\`: ${one.description}`).join('\n'),
    content: {
      'application/json': {
        schema: { oneOf: answers.map(schemaRef) },
        examples: Object.fromEntries(answers.map((one) => [schemaId(one), { value: exampleOf(one) }])),
      },
    },
  };
}

/** The errors of a call: its own, and those of every call with the same method. */
function errorStatuses({ method, input, errors }: RestCall): ErrorStatus[] {
  const always: ErrorStatus[] = [401, 405, 500, 503];
  const ofInput: ErrorStatus[] = Object.keys(input.shape).length > 0 ? [400] : [];
  const ofBody: ErrorStatus[] = method === 'POST' ? [413, 415] : [];
  return [...always, ...ofInput, ...ofBody, ...errors];
}

function responseRef(status: ErrorStatus) {
  return { $ref: `#/components/responses/${ERROR_RESPONSES[status].name}` };
}

function error({
  description,
  headers,
  schema,
  code,
  message,
  retryAfterSeconds,
}: (typeof ERROR_RESPONSES)[ErrorStatus]) {
  const example = {
    success: false,
    message,
    code,
    ...(retryAfterSeconds !== undefined && { retry_after_seconds: retryAfterSeconds }),
  };
  return {
    description,
    ...(headers.length > 0 && {
      headers: Object.fromEntries(headers.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    }),
    content: { 'application/json': { schema: schemaRef(schema), example } },
  };
}
