import fc from 'fast-check';
import { endOf, periodOf } from '../model.ts';
import type { Service } from '../service.ts';
import { enterAlone, runAtOnce, sweepAlone, type World } from '../world.ts';
import { type ActSpec, anyHold, anyToken, resolve } from './act-specs.ts';
import { passTime, reach } from './clock.ts';
import { command } from './command.ts';
import { anyPrice, entryOf } from './prices.ts';

// Ways that sessions usually go, which chance alone seldom takes.

const anySession = fc.record({ hold: anyHold, named: fc.boolean(), token: anyToken, wait: fc.nat({ max: 2000 }) });
type SessionSpec = typeof anySession extends fc.Arbitrary<infer Drawn> ? Drawn : never;

/** A token taken, attached and started, with a wait in between. */
export const session = anySession.map((drawn) =>
  command('session', drawn, (world, service) => takeAndStart(world, service, drawn)),
);

/** A session that is heard for the last time shortly before its month ends, and goes on into the next. */
export const lateSession = fc
  .record({ start: anySession, before: fc.nat({ max: 60_000 }), silence: fc.nat({ max: 40_000 }) })
  .map((drawn) =>
    command('lateSession', drawn, async (world, service) => {
      const { start, before, silence } = drawn;
      const monthEnd = endOf(world.rules, periodOf(world.rules, world.now));
      await reach(world, service, monthEnd - before);
      await takeAndStart(world, service, start);
      await reach(world, service, monthEnd - silence);
      const beat = { ...latestOf(start), kind: 'heartbeat', words: null } satisfies ActSpec;
      await run(world, service, beat);
      await reach(world, service, monthEnd);
      await sweepAlone(world, service, 0);
    }),
  );

/** A session whose price changes while it runs. */
export const repricedSession = fc
  .record({
    start: anySession,
    changes: fc.array(fc.record({ price: anyPrice, wait: fc.nat({ max: 90_000 }) }), { minLength: 1, maxLength: 3 }),
  })
  .map((drawn) =>
    command('repricedSession', drawn, async (world, service) => {
      await takeAndStart(world, service, drawn.start);
      for (const { price, wait } of drawn.changes) {
        await enterAlone(world, service, entryOf(world, { ...price, mode: drawn.start.hold.mode }));
        await passTime(world, service, wait);
        await sweepAlone(world, service, 0);
      }
    }),
  );

async function takeAndStart(world: World, service: Service, drawn: SessionSpec): Promise<void> {
  const { hold, named, token, wait } = drawn;
  const latest = latestOf(drawn);
  for (const spec of [
    hold,
    { ...latest, kind: 'attach', named, token },
    { ...latest, kind: 'start', otherConversation: false, reported: false },
  ] satisfies ActSpec[]) {
    await run(world, service, spec);
    await passTime(world, service, wait);
  }
}

function latestOf({ hold }: SessionSpec) {
  return { user: hold.user, node: hold.node, nth: 0, whose: 'own' as const };
}

async function run(world: World, service: Service, spec: ActSpec): Promise<void> {
  const act = resolve(world, spec);
  if (act) await runAtOnce(world, service, [act]);
}
