import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { QuotaPolicy } from '../../src/domain/policy.ts';
import { DEFAULT_POLICY } from '../support/policy.ts';
import { createTestStore } from '../support/store.ts';
import { anyCommand } from './commands/any-command.ts';
import { pricesFor, settledCost, settledSeconds } from './model.ts';
import { costOf, lineAt } from './prices.ts';
import { startService } from './service.ts';
import { createWorld, type World } from './world.ts';

// Random steps of every kind, of several users on two nodes, against the real database; after each, everything that the
// database says must be what the model says, and the promises must hold.
//
//   MODEL_SEED    repeats a run; with the seed that a failure names, its sequence comes first. Races may fall out otherwise
//   MODEL_STEPS   how many steps at least; 20000 take some minutes
//
// With --silent=false it prints how often each kind of step occurred.

const STEPS_PER_RUN = 120;
const SEED = Number(process.env.MODEL_SEED ?? Math.floor(Math.random() * 2 ** 31));
const STEPS = Number(process.env.MODEL_STEPS ?? 3000);
/** How long a failing sequence may be shortened. */
const SHRINKING_MS = 120_000;
const BERLIN = 'Europe/Berlin';

const anyPolicy: fc.Arbitrary<QuotaPolicy> = fc
  .record({
    defaultLimitMinutes: fc.integer({ min: 1, max: 60 }),
    defaultLimitCost: fc.bigInt({ min: 100_000n, max: 50_000_000n }),
    thresholds: fc.constantFrom([80], [5, 10, 25, 50, 80, 95], []),
    maxSessionSeconds: fc.integer({ min: 60, max: 1800 }),
    minSessionSeconds: fc.integer({ min: 10, max: 60 }),
    maxConcurrentSessions: fc.integer({ min: 1, max: 4 }),
    maxTokensPerMinute: fc.integer({ min: 2, max: 30 }),
    accountLimitCost: fc.option(fc.bigInt({ min: 1_000_000n, max: 20_000_000n }), { freq: 2 }),
    accountMaxSessions: fc.option(fc.integer({ min: 1, max: 6 }), { freq: 2 }),
    tokenTtlSeconds: fc.integer({ min: 30, max: 300 }),
    heartbeatSeconds: fc.integer({ min: 5, max: 60 }),
  })
  .map((drawn) => ({ ...DEFAULT_POLICY, ...drawn, billingTimeZone: BERLIN }));

/** Before ends of months in summer and winter, of a year, and where an hour is lost or won in the month. */
const anyBeginning = fc.constantFrom(
  '2026-10-31T22:50:00.000Z',
  '2026-11-10T12:00:00.000Z',
  '2026-12-31T22:58:30.123Z',
  '2027-02-28T22:30:00.000Z',
  '2027-03-31T21:59:00.500Z',
);

it(`the service does what the model does, in ${STEPS} random steps with MODEL_SEED=${SEED}`, {
  timeout: 3_600_000,
}, async () => {
  await using test = await createTestStore({ billingTimeZone: BERLIN });
  let steps = 0;
  const tally = new Map<string, number>();
  const anySteps = fc.commands([anyCommand], { maxCommands: STEPS_PER_RUN, size: 'max' });
  for (let seed = SEED; steps < STEPS; seed++) {
    await fc.assert(
      fc.asyncProperty(anyPolicy, anyBeginning, anySteps, async (policy, beginning, commands) => {
        await using service = await startService(test, policy);
        const world = createWorld(policy, Date.parse(beginning));
        await fc.asyncModelRun(() => ({ model: world, real: service }), commands);
        for (const what of happened(world)) tally.set(what, (tally.get(what) ?? 0) + 1);
        steps += world.steps;
      }),
      { seed, numRuns: 1, interruptAfterTimeLimit: SHRINKING_MS },
    );
  }
  console.log(
    `${steps} steps, MODEL_SEED=${SEED}: ${[...tally]
      .sort()
      .map(([what, times]) => `${times} ${what}`)
      .join(', ')}`,
  );
  expect(steps).toBeGreaterThanOrEqual(STEPS);
});

/** What a run came to, to see that the steps lead everywhere. */
function* happened({ users, rules, answers }: World): Generator<string> {
  yield* answers;
  for (const { records, quotas, stops } of users.values()) {
    for (const record of records) {
      const { endReason, settled, startedAt, endedAt } = record;
      yield `${startedAt === null ? 'token' : 'session'} ${endReason ?? 'open'}`;
      if (settled.size > 1) yield 'session in two months';
      if (startedAt === null || endedAt === null) continue;
      if (lineAt(pricesFor(rules, record), startedAt, endedAt).pricedSeconds > 0) yield 'session at two prices';
      if (settledCost(record) > costOf(pricesFor(rules, record), startedAt, settledSeconds(record)))
        yield 'session rounded up';
    }
    for (const { fired } of quotas.values()) for (const threshold of fired) yield `fired ${threshold}`;
    for (const { nextAttemptAt } of stops.values()) yield nextAttemptAt === null ? 'stop confirmed' : 'stop pending';
  }
}
