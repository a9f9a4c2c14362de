import { expect } from 'vitest';
import { z } from 'zod';

type JsonSchema = z.core.JSONSchema.JSONSchema;

interface Reference {
  readonly $ref: string;
}

interface Content {
  readonly 'application/json': {
    readonly schema: JsonSchema;
    readonly example?: unknown;
    readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
  };
}

export interface ResponseObject {
  readonly description: string;
  readonly headers?: Readonly<Record<string, Reference>>;
  readonly content: Content;
}

export interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly description: string;
    readonly schema: JsonSchema;
    readonly example: unknown;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, ResponseObject | Reference>>;
}

/** An OpenAPI document, as far as the tests read it. */
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly responses: Readonly<Record<string, ResponseObject>>;
    readonly schemas: Readonly<Record<string, JsonSchema>>;
  };
}

/** Every operation of a document. */
export function operations({ paths }: OpenApiDocument) {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
}

/** The response that an operation describes for a status; undefined if it describes none. */
export function responseOf({ components }: OpenApiDocument, { responses }: Operation, status: number | string) {
  const response = responses[status];
  return response && '$ref' in response ? components.responses[lastSegment(response.$ref)] : response;
}

/** A parser of what a schema of the document describes, which rejects unknown properties. */
export function strictParser({ components }: OpenApiDocument, schema: JsonSchema): z.ZodType {
  const closed = JSON.stringify({ ...schema, $defs: components.schemas }, (key, value) => {
    if (key === '$ref') return `#/$defs/${lastSegment(value)}`;
    return value?.type === 'object' ? { ...value, additionalProperties: false } : value;
  });
  return z.fromJSONSchema(JSON.parse(closed));
}

/** The names of the schemas that the bodies of a response can have. */
export function schemaNames(response: ResponseObject | undefined): string[] {
  return bodySchemas(response).map(({ $ref = '' }) => lastSegment($ref));
}

/** Checks that an answer is exactly as the document describes it; returns the name of its schema. */
export function expectDescribed(
  document: OpenApiDocument,
  operation: Operation,
  { status, headers, body }: { status: number; headers: Headers; body: unknown },
): string {
  const response = responseOf(document, operation, status);
  if (!response) throw new Error(`${operation.operationId} describes no status ${status}: ${JSON.stringify(body)}`);
  expect(strictParser(document, response.content['application/json'].schema).safeParse(body).error).toBeUndefined();
  for (const name of Object.keys(response.headers ?? {})) expect(headers.get(name)).toMatch(/\w/);
  const matching = bodySchemas(response).filter((schema) => strictParser(document, schema).safeParse(body).success);
  expect(matching).toHaveLength(1);
  return lastSegment(matching[0]?.$ref ?? '');
}

function bodySchemas(response: ResponseObject | undefined): JsonSchema[] {
  const schema = response?.content['application/json'].schema;
  return (schema?.oneOf ?? (schema ? [schema] : [])) as JsonSchema[];
}

function lastSegment(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}
