/** Writes what frontends import: typed documents of the operations in src/client/operations, and the possible types for caches. */
import { globSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { codegen } from '@graphql-codegen/core';
import { parse } from 'graphql';

const SCHEMA = 'schema.graphql';
const OPERATIONS = 'src/client/operations/*.graphql';
const OUTPUTS = {
  'src/client/generated/documents.ts': {
    plugins: ['typescript-operations', 'typed-document-node'],
    config: {
      useTypeImports: true,
      enumsAsTypes: true,
      strictScalars: true,
      scalars: {
        ID: 'string',
        DateTime: 'string',
        Date: 'string',
        Decimal: 'string',
        BillingPeriod: 'string',
        CurrencyCode: 'string',
      },
    },
  },
  'src/client/generated/possible-types.ts': {
    plugins: ['fragment-matcher'],
    config: { useExplicitTyping: true },
  },
};

const read = (path: string) => parse(readFileSync(path, 'utf8'));
const schema = read(SCHEMA);
const documents = globSync(OPERATIONS)
  .sort()
  .map((location) => ({ location, document: read(location) }));

for (const [filename, { plugins: names, config }] of Object.entries(OUTPUTS)) {
  const plugins = await Promise.all(names.map(async (name) => [name, await import(`@graphql-codegen/${name}`)]));
  const content = await codegen({
    filename,
    schema,
    documents,
    config,
    plugins: names.map((name) => ({ [name]: {} })),
    pluginMap: Object.fromEntries(plugins),
  });
  await writeFile(filename, content);
}
