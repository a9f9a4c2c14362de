import type { CodegenConfig } from '@graphql-codegen/cli';

/** Typed documents for frontends, from the operations in src/client/operations, and the possible types for caches. */
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
  },
};

export default config;
