import fc from 'fast-check';
import type { PriceEntry } from '../linearise.ts';
import { enterAlone, type World } from '../world.ts';
import { anyMode } from './act-specs.ts';
import { command } from './command.ts';

// Prices that the operator enters: for now, for later, and for what was.

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;

export const anyPrice = fc.record({
  node: fc.constantFrom(0 as const, 1 as const),
  mode: anyMode,
  perMinute: fc.oneof(fc.constantFrom(0n, 7n, 333_333n, 500_000n, 1_000_000n), fc.bigInt({ min: 1n, max: 2_000_000n })),
  step: fc.constantFrom(1, 1, 10, 60),
  minimum: fc.constantFrom(0, 0, 30, 90),
  /** From now on. */
  milliseconds: fc.oneof(
    { weight: 2, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.integer({ min: -200 * SECOND, max: 0 }) },
    { weight: 1, arbitrary: fc.integer({ min: -40 * DAY, max: 0 }) },
    { weight: 5, arbitrary: fc.nat({ max: 400 * SECOND }) },
    { weight: 2, arbitrary: fc.nat({ max: 3000 * SECOND }) },
  ),
});

export function entryOf(
  { now }: World,
  drawn: typeof anyPrice extends fc.Arbitrary<infer Drawn> ? Drawn : never,
): PriceEntry {
  const { node, milliseconds, ...price } = drawn;
  return { node, price: { ...price, effectiveFrom: now + milliseconds } };
}

export const enterPrice = anyPrice.map((drawn) =>
  command('enterPrice', drawn, (world, service) => enterAlone(world, service, entryOf(world, drawn))),
);
