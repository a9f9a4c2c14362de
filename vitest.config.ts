import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Without "development", which Vite adds and Node does not: there would be two graphql, each with its own GraphQLError.
  ssr: { resolve: { conditions: ['module', 'node'] } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 30_000,
  },
});
