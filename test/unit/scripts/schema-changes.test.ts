import { describe, expect, test } from 'vitest';
import { latestRelease, schemaProblem } from '../../../scripts/schema-changes.ts';

const RELEASED = `
"""The quota."""
type Quota { limitMinutes: Int! warning: String @deprecated(reason: "Use warnings.") }
enum Status { ACTIVE COMPLETED }
type Query { quota(period: String): Quota! statuses(first: Int = 20): [Status!]! }`;

const release = { version: '1.2.0', schema: RELEASED };
const problem = (schema: string, version = '1.3.0') => schemaProblem(release, { version, schema });

describe('a safe change passes', () => {
  test.each([
    ['none', RELEASED],
    ['a new field', RELEASED.replace('limitMinutes: Int!', 'limitMinutes: Int! usedMinutes: Int!')],
    ['a new optional argument', RELEASED.replace('period: String', 'period: String userId: ID')],
    ['a new value of an enum', RELEASED.replace('ACTIVE', 'ACTIVE EXPIRED')],
    ['another description', RELEASED.replace('The quota.', 'The monthly quota.')],
    ['a deprecation', RELEASED.replace('[Status!]!', '[Status!]! @deprecated(reason: "Use history.")')],
  ])('%s', async (_what, schema) => {
    expect(await problem(schema)).toBeNull();
  });
});

describe('a breaking change fails and is named', () => {
  test.each([
    ['a field that is removed', RELEASED.replace('limitMinutes: Int! ', ''), /^- Quota\.limitMinutes: .*removed/m],
    ['a field that becomes nullable', RELEASED.replace('Int!', 'Int'), /^- Quota\.limitMinutes: .*changed type/m],
    ['a field of another name', RELEASED.replace('quota(', 'myQuota('), /^- Query\.quota: .*removed/m],
    [
      'an argument that becomes required',
      RELEASED.replace('period: String', 'period: String!'),
      /^- Query\.quota\.period: /m,
    ],
    ['a value that is removed', RELEASED.replace(' COMPLETED', ''), /^- Status\.COMPLETED: .*removed/m],
    ['a type that is removed', RELEASED.replaceAll('Status', 'State'), /^- Status: .*removed/m],
  ])('%s', async (_what, schema, line) => {
    const message = await problem(schema);
    expect(message).toMatch(/^schema\.graphql breaks clients of release 1\.2\.0:$/m);
    expect(message).toMatch(line);
    expect(message).toMatch(/needs a new major release.+set the version in package\.json to 2\.0\.0\.$/s);
  });

  test('unless the major version is a new one', async () => {
    expect(await problem(RELEASED.replace('limitMinutes: Int! ', ''), '2.0.0')).toBeNull();
  });
});

test('the latest release is the one with the highest version, not the last name', () => {
  const versions = ['0.9.0', '0.10.0', '0.2.12', '0.10.0'].map((version) => ({ version, schema: '' }));
  expect(latestRelease(versions)?.version).toBe('0.10.0');
  expect(latestRelease([])).toBeUndefined();
});
