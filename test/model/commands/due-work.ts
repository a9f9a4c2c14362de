import fc from 'fast-check';
import { expect } from 'vitest';
import type { PendingStop } from '../../../src/domain/due-work.ts';
import { formatMoney } from '../../../src/domain/money.ts';
import type { ConfirmedStop } from '../../../src/domain/store.ts';
import type { Act } from '../acts.ts';
import { type Instant, type ModelStop, periodOf } from '../model.ts';
import { LAG_MS, type Service } from '../service.ts';
import { conclude, runAtOnce, sweepAlone, USERS, type World } from '../world.ts';
import { anyCost, anyMinutes, anyStopWord } from './act-specs.ts';
import { command } from './command.ts';

// What happens beside the users: sweeps, stops, an operator who writes limits by hand, and outages.

const anyNode = fc.constantFrom(0 as const, 1 as const);

/** Everything that is due, as a sweeper does it. */
export const sweep = anyNode.map((node) =>
  command('sweep', node, (world, service) => sweepAlone(world, service, node)),
);

/** The service was away: missed heartbeats are counted from its return. */
export const outage = fc.constant(
  command('outage', null, async ({ rules, now }) => {
    rules.lapsesFrom = Math.max(rules.lapsesFrom, now + 3 * rules.policy.heartbeatSeconds * 1000);
  }),
);

/** An operator's UPDATE: nothing follows before the next sweep. */
export const editLimits = fc
  .record({
    user: fc.nat({ max: USERS.length - 1 }),
    minutes: anyMinutes,
    cost: anyCost,
    isActive: fc.constantFrom(true, true, false),
  })
  .map((drawn) =>
    command('editLimits', drawn, async (world, service) => {
      const userId = USERS[drawn.user] ?? USERS[0];
      const period = periodOf(world.rules, world.now);
      await service.pool.query(
        `UPDATE usage_quotas SET monthly_limit_minutes = $3, monthly_limit_cost = $4, is_active = $5
        WHERE user_id = $1 AND current_month = $2`,
        [userId, period, drawn.minutes, formatMoney(drawn.cost), drawn.isActive],
      );
      await conclude(
        world,
        service,
        (users) => {
          const quota = users.find(({ id }) => id === userId)?.quotas.get(period);
          if (!quota) return users;
          const { limitMinutes, limitCost, isActive } = quota;
          Object.assign(quota, { limitMinutes: drawn.minutes, limitCost: drawn.cost, isActive: drawn.isActive });
          quota.limitsChanged ||=
            limitMinutes !== drawn.minutes || limitCost !== drawn.cost || isActive !== drawn.isActive;
          return users;
        },
        { events: [], sweptBy: null, limitsTouched: true },
      );
    }),
  );

/**
 * One or both nodes take the stops that are due, or all. The vendor confirms some, refuses some, with or without a
 * moment to try again, and some answers get lost with their node.
 */
export const deliverStops = fc
  .record({
    nodes: fc.constantFrom([0], [1], [0, 1]),
    which: fc.constantFrom('due' as const, 'due' as const, 'all' as const),
    verdicts: fc.array(fc.constantFrom('confirmed', 'confirmed', 'refused', 'later', 'lost'), {
      minLength: 1,
      maxLength: 3,
    }),
    word: anyStopWord,
  })
  .map((drawn) =>
    command('deliverStops', drawn, async (world, service) => {
      service.clock.set(world.now);
      // of two at once, "all" would take each stop twice
      const which = drawn.nodes.length > 1 ? 'due' : drawn.which;
      for (const stops of await claim(world, service, drawn.nodes, which)) {
        await answer(world, service, stops.node, stops.taken, drawn.verdicts, drawn.word);
      }
    }),
  );

async function claim({ users, now }: World, { nodes }: Service, by: readonly number[], which: 'due' | 'all') {
  const claims = await Promise.all(
    by.map(async (index) => {
      const node = index === 0 ? 0 : 1;
      return { node, taken: await nodes[node].work.claimStops(which) } as const;
    }),
  );
  const taken = new Map(claims.flatMap((c) => c.taken.map((stop) => [stop.recordId, { ...stop, node: c.node }])));
  expect(taken.size, 'no stop is taken by two nodes').toBe(claims.flatMap((c) => c.taken).length);
  for (const [recordId, stop] of [...users.values()].flatMap((user) => [...user.stops])) {
    const claimed = taken.get(recordId);
    const nodesDue = by.filter((node) => isDue(stop, which, now - (LAG_MS[node] ?? 0)));
    if (!claimed) {
      // the node that passes over a stop held by the other leaves it to that one, which may find it not due yet
      if (nodesDue.length === by.length) expect(nodesDue, `${recordId} is due and was not taken`).toEqual([]);
      continue;
    }
    expect(nodesDue, `${recordId} was due when it was taken`).toContain(claimed.node);
    stop.attempts++;
    expect(claimed, 'the stop').toMatchObject({ attempts: stop.attempts, reason: stop.reason });
    const wait = Math.min(5 * 2 ** (stop.attempts - 1), 300);
    stop.nextAttemptAt = now - LAG_MS[claimed.node] + wait * 1000;
    taken.delete(recordId);
  }
  expect([...taken.keys()], 'stops that nobody asked for').toEqual([]);
  return claims;
}

function isDue({ nextAttemptAt }: ModelStop, which: 'due' | 'all', at: Instant): boolean {
  return nextAttemptAt !== null && (which === 'all' || nextAttemptAt <= at);
}

async function answer(
  world: World,
  service: Service,
  node: 0 | 1,
  taken: readonly PendingStop[],
  verdicts: readonly string[],
  word: Pick<ConfirmedStop, 'word' | 'expectsFigures'>,
): Promise<void> {
  const retryAt = world.now + 42_000;
  const confirmed: Act[] = [];
  for (const [index, { recordId, userId }] of taken.toSorted(byRecord).entries()) {
    const verdict = verdicts[index % verdicts.length];
    if (verdict === 'lost') continue;
    if (verdict === 'confirmed') {
      confirmed.push({ userId, node, kind: 'confirmStop', request: { recordId, userId, ...word } });
      continue;
    }
    const isLater = verdict === 'later';
    const failed = { recordId, error: 'the vendor is down', retryAt: isLater ? new Date(retryAt) : null };
    await service.nodes[node].work.noteFailedStop(failed);
    const stop = world.users.get(userId)?.stops.get(recordId);
    if (stop && isLater) stop.nextAttemptAt = retryAt;
  }
  for (const act of confirmed) await runAtOnce(world, service, [act]);
  await conclude(world, service, (users) => users, { events: [], sweptBy: null, limitsTouched: false });
}

function byRecord(a: PendingStop, b: PendingStop): number {
  return a.recordId < b.recordId ? -1 : 1;
}
