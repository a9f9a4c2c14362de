import { parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../../src/graphql/schema.ts';
import { GRAPHIQL_EXAMPLES } from '../../../src/server/graphiql-examples.ts';

test.each(GRAPHIQL_EXAMPLES)('an example is valid: %s', (document) => {
  expect(validate(schema, parse(document))).toEqual([]);
});

test('there is an example for every operation but the lookups by ID', () => {
  const operations = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
    .flatMap((type) => Object.keys(type?.getFields() ?? {}))
    .filter((name) => name !== 'node' && name !== 'nodes');
  const shown = GRAPHIQL_EXAMPLES.flatMap((document) => parse(document).definitions).flatMap((definition) =>
    definition.kind === 'OperationDefinition' ? definition.selectionSet.selections : [],
  );
  expect(shown.map((field) => (field.kind === 'Field' ? field.name.value : null)).toSorted()).toEqual(
    operations.toSorted(),
  );
});
