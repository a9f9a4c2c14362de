import { defineConfig } from 'vitest/config';

// The folder of a test decides which command runs it:
//
//   npm test            unit, integration and e2e, to be run before every commit
//   npm run test:full   every other folder: what needs a browser, waits in real time, or runs long

const QUICK = ['test/unit/**/*.test.ts', 'test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'];

/** Crashes, outages and endurance measure time and memory, so they run one at a time, after all others. */
const ALONE = ['test/crash/**/*.test.ts'];

export default defineConfig({
  // Without "development", which Vite adds and Node does not: there would be two graphql, each with its own GraphQLError.
  ssr: { resolve: { conditions: ['module', 'node'] } },
  test: {
    globalSetup: 'test/support/global-setup.ts',
    // The engine that compares schemas is imported as WebAssembly, of which Node warns.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // What a test prints, such as its measurements, is shown where it fails; all of it with --silent=false.
    silent: 'passed-only',
    // One line per file: a test that takes longer than this, in milliseconds, would add one of its own.
    slowTestThreshold: 600_000,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'quick',
          include: QUICK,
          maxWorkers: 2,
          // Each worker imports the service once, which takes a second, and not for every file.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'full',
          include: ['test/**/*.test.ts'],
          exclude: [...QUICK, ...ALONE],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
});
