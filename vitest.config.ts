import { defineConfig } from 'vitest/config';

/** Crashes, outages and endurance measure time and memory: they have the machine to themselves, after the others. */
const ALONE = 'test/crash/**/*.test.ts';

export default defineConfig({
  // Without "development", which Vite adds and Node does not: there would be two graphql, each with its own GraphQLError.
  ssr: { resolve: { conditions: ['module', 'node'] } },
  test: {
    globalSetup: 'test/support/global-setup.ts',
    // The engine that compares schemas is imported as WebAssembly, of which Node warns.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // What a test prints, such as its measurements, is shown where it fails; all of it with --silent=false.
    silent: 'passed-only',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [ALONE],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: 'alone', include: [ALONE], maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
