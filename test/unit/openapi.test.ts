import { readFile } from 'node:fs/promises';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { type OpenApiDocument, operations, type ResponseObject, responseOf, strictParser } from '../support/openapi.ts';

const file = new URL('../../docs/openapi.json', import.meta.url);
const document: OpenApiDocument = JSON.parse(await readFile(file, 'utf8'));
const { schemas, responses } = document.components;
const objects = Object.entries(schemas).filter(([, { type }]) => type === 'object');

it('the document is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  expect(await validator.validate({ ...structuredClone(document) })).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
});

it('every reference has a target, and every component is referenced', () => {
  const references = new Set<string>();
  JSON.stringify(document, (key, value) => {
    if (key === '$ref') references.add(value);
    return value;
  });
  const components = Object.entries(document.components)
    .filter(([kind]) => kind !== 'securitySchemes')
    .flatMap(([kind, named]) => Object.keys(named).map((name) => `#/components/${kind}/${name}`));
  expect([...references].sort()).toEqual(components.sort());
});

it('every object is a named component', () => {
  const inline: string[] = [];
  const visit = (value: unknown, path: string, isComponent: boolean) => {
    if (typeof value !== 'object' || value === null) return;
    if (!isComponent && 'type' in value && value.type === 'object') inline.push(path);
    for (const [key, part] of Object.entries(value)) visit(part, `${path}/${key}`, path === '/components/schemas');
  };
  visit(document, '', false);
  expect(inline).toEqual([]);
});

describe('the document describes', () => {
  it('every operation, by an ID that only one has', () => {
    const ids = operations(document).map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operation } of operations(document)) {
      expect(operation).toMatchObject({
        summary: expect.stringMatching(/\w/),
        description: expect.stringMatching(/\w/),
      });
      for (const parameter of operation.parameters ?? []) {
        expect(parameter).toMatchObject({ description: expect.stringMatching(/\w/), example: expect.anything() });
      }
    }
  });

  it.each(Object.keys(schemas))('the schema %s', (name) => {
    expect(schemas[name]?.description).toMatch(/\w/);
  });

  it.each(objects)('each property of %s, with an example', (_name, { properties = {} }) => {
    for (const property of Object.values(properties)) {
      if (typeof property === 'object' && property.$ref) continue;
      expect(property).toMatchObject({ description: expect.stringMatching(/\w/) });
      if (JSON.stringify(property).includes('"$ref"')) continue;
      expect(property).toMatchObject({ examples: [expect.anything()] });
    }
  });
});

describe('every example fits', () => {
  const bodies = (content: ResponseObject['content']) => {
    const { schema, example, examples } = content['application/json'];
    const values = examples ? Object.values(examples).map(({ value }) => value) : [example];
    return values.map((value) => ({ schema, value }));
  };
  const examples = [
    ...Object.entries(responses).map(([name, { content }]) => ({ name, values: bodies(content) })),
    ...operations(document).map(({ operation }) => ({
      name: operation.operationId,
      values: [
        ...bodies(responseOf(document, operation, 200)?.content as ResponseObject['content']),
        ...(operation.requestBody ? bodies(operation.requestBody.content) : []),
        ...(operation.parameters ?? []).map(({ schema, example }) => ({ schema, value: example })),
      ],
    })),
    ...objects.map(([name, { properties = {} }]) => ({
      name,
      values: Object.values(properties).flatMap((schema) =>
        typeof schema === 'object' && schema.examples ? schema.examples.map((value) => ({ schema, value })) : [],
      ),
    })),
  ];

  it.each(examples)('$name', ({ values }) => {
    expect(values.length).toBeGreaterThan(0);
    for (const { schema, value } of values) {
      expect(strictParser(document, schema).safeParse(value).error).toBeUndefined();
    }
  });
});
