import fc from 'fast-check';
import { hasCeiling } from '../account.ts';
import type { Act } from '../acts.ts';
import { runAtOnce, USERS, type World } from '../world.ts';
import { type ActSpec, anyAct, anyHold, resolve } from './act-specs.ts';
import { command } from './command.ts';
import { anyPrice, entryOf } from './prices.ts';

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

/**
 * Several calls and sweeps of both nodes at once, with or without a new price, half the time all of one user. Of one, and
 * of all who share an account, four at most: all orders are tried.
 */
export const burst = fc
  .record({
    acts: fc.array(anyAct, { minLength: 2, maxLength: 8 }),
    user: fc.option(fc.nat({ max: USERS.length - 1 }), { freq: 2 }),
    sweepers: fc.array(fc.constantFrom(0 as const, 1 as const), { maxLength: 2 }),
    price: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: anyPrice }),
  })
  .map((drawn) =>
    command('burst', drawn, async (world, service) => {
      const acts: Act[] = [];
      const shared = hasCeiling(world.rules.policy);
      for (const spec of drawn.acts) {
        const act = resolve(world, { ...spec, user: drawn.user ?? spec.user });
        if (!act || acts.filter((other) => shared || other.userId === act.userId).length === 4) continue;
        // a token is attached once, before anybody else knows it
        if (act.kind === 'attach' && isAttached(world, act.request.recordId)) continue;
        if (acts.some((other) => other.kind === 'attach' && act.kind === 'attach' && isSame(other, act))) continue;
        acts.push(act);
      }
      const sweepers = shared && acts.length > 2 ? drawn.sweepers.slice(0, 1) : drawn.sweepers;
      await runAtOnce(world, service, acts, sweepers, drawn.price && entryOf(world, drawn.price));
    }),
  );

const reload = anyHold.map((hold) => ({ ...hold, conversation: 'chat' }));

/**
 * All users request a token at the same moment, on both nodes, perhaps while its price changes. They do so twice, so that
 * tokens and sessions are superseded.
 */
export const rush = fc
  .record({
    holds: fc.array(reload, { minLength: 1, maxLength: 4 }),
    again: fc.array(reload, { minLength: 2, maxLength: 4 }),
    price: fc.option(anyPrice, { freq: 2 }),
  })
  .map((drawn) =>
    command('rush', drawn, async (world, service) => {
      const entry = drawn.price && entryOf(world, drawn.price);
      await runAtOnce(world, service, callsOf(world, drawn.holds));
      await runAtOnce(world, service, callsOf(world, drawn.again), [], entry);
    }),
  );

function callsOf(world: World, specs: readonly ActSpec[]): Act[] {
  return specs.flatMap((spec) => resolve(world, spec) ?? []);
}

function isAttached({ users }: World, recordId: string): boolean {
  return [...users.values()].some(({ records }) => records.some((r) => r.id === recordId && r.attached));
}

function isSame(a: Act & { kind: 'attach' }, b: Act & { kind: 'attach' }): boolean {
  return a.request.recordId === b.request.recordId;
}
