import { getNamedType, isInputObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';
import { ARGUMENTS, callField } from '../support/arguments.ts';
import { dumpDatabase } from '../support/dump.ts';
import { expectNoInternals } from '../support/leaks.ts';
import { printLiteral } from '../support/literal.ts';
import { startSession } from '../support/operations.ts';
import { type GraphQLBody, post, startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let token: string;
let before: Awaited<ReturnType<typeof dumpDatabase>>;

beforeAll(async () => {
  service = await startTestService();
  token = await service.token('ann');
  await startSession(service, token);
  before = await dumpDatabase(service.database);
});

afterAll(async () => {
  expect(await dumpDatabase(service.database)).toEqual(before);
  await service[Symbol.asyncDispose]();
});

describe.each(ARGUMENTS)('%s %s with a bad %s', (kind, ...row) => {
  const [field, [outer, inner], type, values, besides] = row;
  const bad = type.endsWith('!') ? { ...values, null: null } : values;

  const argument = inner ? [outer, inner] : [outer];

  test.each(Object.entries(bad))('names the argument of a variable that is %s', async (_what, value) => {
    const { body } = await post(service, token, `${kind} ($value: ${type}) { ${callField(row, '$value')} }`, { value });
    expect(expectRefusal(body, ['BAD_USER_INPUT'])?.slice(0, argument.length)).toEqual(argument);
  });

  test.each(Object.entries(bad))('names the argument that is %s in the document', async (_what, value) => {
    const { body } = await post(service, token, `${kind} { ${callField(row, printLiteral(value))} }`);
    const path = expectRefusal(body, ['BAD_USER_INPUT', 'GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED']);
    const isParsed = body.errors?.[0]?.extensions.code !== 'GRAPHQL_PARSE_FAILED';
    if (isParsed) expect(path?.slice(0, argument.length)).toEqual(argument);
  });

  if (inner) {
    const inputType = kind === 'query' ? 'UsageHistoryFilter!' : `${field[0]?.toUpperCase()}${field.slice(1)}Input!`;
    test.each(Object.entries(bad))('refuses %s within a variable', async (_what, value) => {
      const query = `${kind} ($${outer}: ${inputType}) { ${field}(${outer}: $${outer}) { __typename } }`;
      const { body } = await post(service, token, query, { [outer]: { ...besides, [inner]: value } });
      expect(expectRefusal(body, ['BAD_USER_INPUT'])?.slice(0, 2)).toEqual([outer, inner]);
    });
  }
});

test('the arguments listed here are those of the schema', () => {
  const ofSchema = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
    .flatMap((type) => Object.values(type?.getFields() ?? {}))
    .flatMap((field) => field.args.map((argument) => ({ field, argument, type: getNamedType(argument.type) })))
    .flatMap(({ field, argument, type }) => {
      const path = `${field.name}.${argument.name}`;
      return isInputObjectType(type) ? Object.keys(type.getFields()).map((inner) => `${path}.${inner}`) : [path];
    });
  expect(ARGUMENTS.map(([, field, path]) => [field, ...path].join('.')).toSorted()).toEqual(ofSchema.toSorted());
});

test('an argument that a variable makes null is named', async () => {
  const query = 'query ($value: ID = "x") { node(id: $value) { id } }';
  const { body } = await post(service, token, query, { value: null });
  expect(body.errors?.map(({ extensions }) => extensions)).toEqual([{ code: 'BAD_USER_INPUT', argumentPath: ['id'] }]);
});

/** Checks that there is no answer but errors with one of the codes; returns the path that the first one gives. */
function expectRefusal({ data, errors }: GraphQLBody<unknown>, codes: string[]): (string | number)[] | undefined {
  expect(data ?? null).toBeNull();
  for (const { message, extensions } of errors ?? []) {
    expect(codes).toContain(extensions.code);
    expectNoInternals(message);
  }
  const [first] = errors ?? [];
  expect(first?.message).toMatch(/\w+ \w+/);
  return first?.extensions.argumentPath as (string | number)[] | undefined;
}
