import { z } from 'zod';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

const PREFIX = '#/components/schemas/';

/** Every schema that has an ID, by ID in alphabetical order. Schemas refer to each other by `$ref`. */
export function componentSchemas(): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(z.globalRegistry, {
    // As an input, an object allows unknown properties, so that a later version can add one.
    io: 'input',
    uri: (id) => `${PREFIX}${id}`,
    override: ({ jsonSchema }) => simplify(jsonSchema),
  });
  const ids = Object.keys(schemas).sort();
  return Object.fromEntries(ids.map((id) => [id, withPropertyExamples(withoutUris(schemas[id] ?? {}))]));
}

/** A reference to a schema that has an ID. */
export function schemaRef(schema: z.ZodType): JsonSchema {
  return { $ref: `${PREFIX}${schemaId(schema)}` };
}

export function schemaId(schema: z.ZodType): string {
  const id = schema.meta()?.id;
  if (id === undefined)
    throw new Error('A request or an answer needs a schema with an ID: define it with component().');
  return id;
}

/** The schema of a value in the query, as the call receives it. */
export function parameterSchema(schema: z.ZodType): JsonSchema {
  return withoutUris(z.toJSONSchema(schema, { io: 'output', override: ({ jsonSchema }) => simplify(jsonSchema) }));
}

/** Writes a schema as a person would, without what Zod adds for validators. */
function simplify(schema: JsonSchema): void {
  if (schema.format === 'date-time' || schema.format === 'date') delete schema.pattern;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  const [inner, other, ...more] = schema.anyOf ?? [];
  if (inner?.type && !inner.enum && other?.type === 'null' && more.length === 0) {
    delete schema.anyOf;
    Object.assign(schema, { ...inner, ...schema, type: [inner.type, 'null'] });
  }
}

function withoutUris({ $schema, $id, ...schema }: JsonSchema): JsonSchema {
  return schema;
}

/**
 * Gives each property its example out of the example of the whole, which the requests and answers show. A property that
 * refers to a component finds its examples there.
 */
function withPropertyExamples({ examples, ...schema }: JsonSchema): JsonSchema {
  const [example] = (examples ?? []) as Record<string, unknown>[];
  if (!schema.properties || !example) return descriptionFirst(schema);
  const properties = Object.entries(schema.properties as Record<string, JsonSchema>).map(([name, property]) => {
    const { examples = [example[name]], ...rest } = descriptionFirst(property);
    return [name, JSON.stringify(rest).includes('"$ref"') ? rest : { ...rest, examples }];
  });
  return descriptionFirst({ ...schema, properties: Object.fromEntries(properties) });
}

function descriptionFirst({ description, ...schema }: JsonSchema): JsonSchema {
  return description === undefined ? schema : { description, ...schema };
}
