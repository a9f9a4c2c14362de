import fc from 'fast-check';
import { endOf, type Instant, periodOf } from '../model.ts';
import type { Service } from '../service.ts';
import { sweepAlone, type World } from '../world.ts';
import { command } from './command.ts';

// Time: it passes, comes to the moments that matter, and steps back.

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;
/** The service is never down for longer: a session then crosses one end of a month at most. */
const LONGEST_OUTAGE = 20 * DAY;

export async function passTime(world: World, service: Service, milliseconds: number): Promise<void> {
  if (world.now + milliseconds - world.sweptAt > LONGEST_OUTAGE) await sweepAlone(world, service, 0);
  world.now += milliseconds;
}

export const wait = fc
  .oneof(
    { weight: 3, arbitrary: fc.nat({ max: 3 * SECOND }) },
    { weight: 6, arbitrary: fc.nat({ max: 400 * SECOND }) },
    { weight: 2, arbitrary: fc.nat({ max: DAY }) },
    { weight: 1, arbitrary: fc.nat({ max: LONGEST_OUTAGE }) },
  )
  .map((milliseconds) => command('wait', milliseconds, (world, service) => passTime(world, service, milliseconds)));

/** To the moment that something falls due, or a millisecond beside it. */
export const waitUntilDue = fc.constantFrom(-1, 0, 0, 1, 1500).map((offset) =>
  command('waitUntilDue', offset, async (world, service) => {
    const due = (await service.nodes[0].work.nextDue())?.getTime() ?? 0;
    const milliseconds = due + offset - world.now;
    if (milliseconds > 0 && milliseconds < LONGEST_OUTAGE) await passTime(world, service, milliseconds);
  }),
);

/** However far that is; what falls due long before is done on the way. */
export async function reach(world: World, service: Service, at: Instant): Promise<void> {
  const milliseconds = at - world.now;
  if (milliseconds > LONGEST_OUTAGE) await sweepAlone(world, service, 0);
  if (milliseconds > 0) {
    world.now += Math.max(milliseconds - LONGEST_OUTAGE, 0);
    await passTime(world, service, Math.min(milliseconds, LONGEST_OUTAGE));
  }
}

export const waitUntilMonthEnd = fc
  .constantFrom(-90 * SECOND, -200, -1, 0, 1, 700, 40 * SECOND)
  .map((offset) =>
    command('waitUntilMonthEnd', offset, (world, service) =>
      reach(world, service, endOf(world.rules, periodOf(world.rules, world.now)) + offset),
    ),
  );

export const stepBack = fc.integer({ min: 1, max: 30 * SECOND }).map((milliseconds) =>
  command('stepBack', milliseconds, async (world) => {
    world.now -= milliseconds;
    world.steppedBack = true;
  }),
);
