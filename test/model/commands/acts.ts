import fc from 'fast-check';
import type { Act } from '../acts.ts';
import type { Sweep } from '../linearise.ts';
import { periodOf } from '../model.ts';
import { LAG_MS } from '../service.ts';
import { runAtOnce, USERS, type World } from '../world.ts';
import { type ActSpec, anyAct, anyHold, resolve } from './act-specs.ts';
import { passTime } from './clock.ts';
import { command } from './command.ts';

// Calls of users: one by one, and several at once.

export const single = anyAct.map((spec) =>
  command(
    'act',
    spec,
    async (world, service) => {
      const act = resolve(world, spec);
      if (act) await runAtOnce(world, service, [act]);
    },
    (world) => resolve({ ...world }, spec) !== null,
  ),
);

/** A token taken, attached and started, with a wait in between: the usual way, which chance alone seldom goes. */
export const session = fc.record({ hold: anyHold, named: fc.boolean(), wait: fc.nat({ max: 2000 }) }).map((drawn) =>
  command('session', drawn, async (world, service) => {
    const { hold, named, wait } = drawn;
    const own = { user: hold.user, node: hold.node, nth: 0, whose: 'own' as const };
    for (const spec of [
      hold,
      { ...own, kind: 'attach', named },
      { ...own, kind: 'start', otherConversation: false },
    ] satisfies ActSpec[]) {
      const act = resolve(world, spec);
      if (act) await runAtOnce(world, service, [act]);
      await passTime(world, service, wait);
    }
  }),
);

const anySweep = fc.record<Sweep>({
  kind: fc.constantFrom('records', 'records', 'limits', 'thresholds'),
  node: fc.constantFrom(0, 1),
});

/** Several calls and sweeps of both nodes at once, half the time all of one user. Of one, four at most: all orders are tried. */
export const burst = fc
  .record({
    acts: fc.array(anyAct, { minLength: 2, maxLength: 8 }),
    user: fc.option(fc.nat({ max: USERS.length - 1 }), { freq: 2 }),
    sweeps: fc.array(anySweep, { maxLength: 2 }),
  })
  .map((drawn) =>
    command('burst', drawn, async (world, service) => {
      const acts: Act[] = [];
      // While the nodes' clocks stand in two months, holds of one user lock a quota each: at the same instant, two nodes
      // may let in one session more than may run at once, each within its month's limits. Known, and left out here.
      const sameMonth = periodOf(world.rules, world.now) === periodOf(world.rules, world.now - LAG_MS[1]);
      for (const spec of drawn.acts) {
        const act = resolve(world, { ...spec, user: drawn.user ?? spec.user });
        if (!act || acts.filter((other) => other.userId === act.userId).length === 4) continue;
        // a token is attached once, before anybody else knows it
        if (act.kind === 'attach' && isAttached(world, act.request.recordId)) continue;
        if (acts.some((other) => other.kind === 'attach' && act.kind === 'attach' && isSame(other, act))) continue;
        acts.push(sameMonth ? act : { ...act, node: 0 });
      }
      await runAtOnce(world, service, acts, drawn.sweeps);
    }),
  );

function isAttached({ users }: World, recordId: string): boolean {
  return [...users.values()].some(({ records }) => records.some((r) => r.id === recordId && r.attached));
}

function isSame(a: Act & { kind: 'attach' }, b: Act & { kind: 'attach' }): boolean {
  return a.request.recordId === b.request.recordId;
}
