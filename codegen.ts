import type { CodegenConfig } from '@graphql-codegen/cli';

/** Typed documents for frontends, from the operations in src/client/operations. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: 'src/client/operations/*.graphql',
  generates: {
    'src/client/generated/documents.ts': {
      plugins: ['typescript-operations', 'typed-document-node'],
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        strictScalars: true,
        scalars: { DateTime: 'string', Decimal: 'string', BillingPeriod: 'string' },
      },
    },
  },
};

export default config;
