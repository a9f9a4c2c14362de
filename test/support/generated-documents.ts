import fc from 'fast-check';
import { type GraphQLObjectType, getNamedType, isLeafType, isObjectType } from 'graphql';
import { schema } from '../../src/graphql/schema.ts';

/** Any selection of an object's fields that need no arguments, a few levels deep. */
function anySelection(type: GraphQLObjectType, levels: number): fc.Arbitrary<string> {
  const fields = Object.values(type.getFields()).filter((field) => {
    const inner = getNamedType(field.type);
    return isLeafType(inner) || (levels > 0 && isObjectType(inner));
  });
  return fc
    .subarray(fields, { minLength: 1, maxLength: Math.min(fields.length, 5) })
    .chain((chosen) =>
      fc.tuple(
        ...chosen.map((field) => {
          const inner = getNamedType(field.type);
          if (!isObjectType(inner)) return fc.constant(field.name);
          return anySelection(inner, levels - 1).map((selection) => `${field.name} ${selection}`);
        }),
      ),
    )
    .map((parts) => `{ ${parts.join(' ')} }`);
}

const { quota, usageSummary, usageHistory } = schema.getQueryType()?.getFields() ?? {};
const anyQuery = fc.oneof(
  ...[quota, usageSummary, usageHistory].flatMap((field) => {
    const type = field && getNamedType(field.type);
    return isObjectType(type) ? [anySelection(type, 3).map((selection) => `{ ${field?.name} ${selection} }`)] : [];
  }),
);
const word = fc.stringMatching(/^[a-z]{1,12}$/).map((letters) => `x${letters}`);
const directives = fc.constantFrom('include', 'skip', 'deprecated', 'oneOf', 'defer', 'stream');

/** Any document that would be a good one, were it not for one thing. */
export const anyBadDocument: fc.Arbitrary<string> = anyQuery.chain((query) => {
  const at = (change: (place: number) => string) => fc.integer({ min: 1, max: query.length - 1 }).map(change);
  return fc.oneof(
    at((place) => query.slice(0, place)),
    at((place) => `${query.slice(0, place)} ? ${query.slice(place)}`),
    at((place) => `${query.slice(0, place)}\0${query.slice(place)}`),
    word.map((field) => query.replace('{', `{ ${field}`)),
    word.map((argument) => query.replace(/\w+/, (field) => `${field}(${argument}: 1)`)),
    word.map((fragment) => query.replace('{', `{ ...${fragment}`)),
    word.map((type) => query.replace('{', `{ ... on ${type} { id }`)),
    word.map((variable) => `query ($${variable}: ${variable}) ${query}`),
    directives.map((directive) => query.replace(/\w+/, (field) => `${field} @${directive}(if: "yes")`)),
    fc
      .integer({ min: 11, max: 200 })
      .map((levels) => `${'{ ... on Query '.repeat(levels)}${query}${' }'.repeat(levels)}`),
    fc
      .integer({ min: 16, max: 200 })
      .map((aliases) => `{ ${Array.from({ length: aliases }, (_, index) => `a${index}: __typename`).join(' ')} }`),
    fc.integer({ min: 1_000, max: 5_000 }).map((tokens) => `{ ${'id '.repeat(tokens)} }`),
    fc.constantFrom(`mutation ${query}`, `subscription ${query}`, `fragment F on Query ${query}`, `${query} ${query}`),
  );
});
