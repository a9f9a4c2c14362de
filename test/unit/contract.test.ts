import { readFile } from 'node:fs/promises';
import {
  buildSchema,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isScalarType,
  isSpecifiedScalarType,
  isUnionType,
  lexicographicSortSchema,
  print,
  printSchema,
} from 'graphql';
import { expect, it } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';

const contract = elements(buildSchema(await read('../contract.graphql')));
const printed = await read('../../schema.graphql');
const offered = elements(buildSchema(printed));

it('schema.graphql is the schema, sorted', () => {
  expect(printed).toBe(`${printSchema(lexicographicSortSchema(schema))}\n`);
});

it('the schema has every element of the contract, of the same type', () => {
  const missing = [...contract].filter(([name, { is }]) => offered.get(name)?.is !== is);
  expect(missing.map(([name, { is }]) => `${name} is ${offered.get(name)?.is}, not ${is}`)).toEqual([]);
});

it('what the schema asks for beyond the contract is optional', () => {
  const isNew = (owner: string | undefined) => owner === undefined || !contract.has(owner);
  const asked = [...offered].filter(([name, { required, owner }]) => required && !contract.has(name) && !isNew(owner));
  expect(asked.map(([name]) => name)).toEqual([]);
});

it('a union has no member that the contract does not know', () => {
  const members = (of: Map<string, Element>) => [...of.keys()].filter((name) => name.includes(' = ')).sort();
  expect(members(offered)).toEqual(members(contract));
});

it('every custom scalar names its specification', () => {
  const scalars = Object.values(buildSchema(printed).getTypeMap()).filter(isScalarType);
  const unspecified = scalars.filter((type) => !isSpecifiedScalarType(type) && !type.specifiedByURL);
  expect(unspecified.map(({ name }) => name)).toEqual([]);
});

it('every element of the schema has a description', () => {
  expect(buildSchema(printed).description).toMatch(/Authentication/);
  expect([...offered].filter(([, { description }]) => description?.trim() === '').map(([name]) => name)).toEqual([]);
});

interface Element {
  /** Its kind, or its type with its default. */
  readonly is: string;
  /** Empty if it has none, null where there can be none. */
  readonly description: string | null;
  /** Whether a caller must give it. */
  readonly required?: boolean;
  /** The element that it is a part of. */
  readonly owner?: string;
}

/** Every element by its coordinate, such as `Query.node(id:)`. */
function elements(of: GraphQLSchema): Map<string, Element> {
  const types = Object.values(of.getTypeMap());
  return new Map(types.filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type)).flatMap(partsOf));
}

function partsOf(type: GraphQLNamedType): [string, Element][] {
  const parts: [string, Element][] = [[type.name, { is: type.constructor.name, description: type.description ?? '' }]];
  const add = (name: string, element: Element) => parts.push([name, { owner: type.name, ...element }]);
  if (isUnionType(type)) {
    for (const { name } of type.getTypes()) add(`${type.name} = ${name}`, { is: 'a member', description: null });
  }
  if (isEnumType(type)) {
    for (const { name, description } of type.getValues()) {
      add(`${type.name}.${name}`, { is: 'a value', description: description ?? '' });
    }
  }
  if (isInputObjectType(type)) {
    for (const field of Object.values(type.getFields())) {
      add(`${type.name}.${field.name}`, { ...input(field), required: isRequiredInputField(field) });
    }
  }
  if (isObjectType(type) || isInterfaceType(type)) {
    for (const { name } of type.getInterfaces()) {
      add(`${type.name} implements ${name}`, { is: 'implemented', description: null });
    }
    for (const field of Object.values(type.getFields())) {
      const name = `${type.name}.${field.name}`;
      add(name, { is: String(field.type), description: field.description ?? '' });
      for (const arg of field.args) {
        add(`${name}(${arg.name}:)`, { ...input(arg), required: isRequiredArgument(arg), owner: name });
      }
    }
  }
  return parts;
}

function input({ type, default: preset, description }: GraphQLArgument | GraphQLInputField): Element {
  const literal = preset && 'literal' in preset ? ` = ${print(preset.literal as never)}` : '';
  return { is: `${type}${literal}`, description: description ?? '' };
}

function read(path: string): Promise<string> {
  return readFile(new URL(path, import.meta.url), 'utf8');
}
