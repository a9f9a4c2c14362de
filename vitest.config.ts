import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Without "development", which Vite adds and Node does not: there would be two graphql, each with its own GraphQLError.
  ssr: { resolve: { conditions: ['module', 'node'] } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    // Many tests wait for the clock, the vendor or the browser: on two cores a third one has room.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 30_000,
  },
});
