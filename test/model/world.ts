import { expect } from 'vitest';
import { type Act, type Answer, carryOut, foretell } from './acts.ts';
import { followLimits, sweepRecords } from './endings.ts';
import { adoptMonths, type Event, explain, type Sweep, type SweepKind, wrongAlerts } from './linearise.ts';
import { type Instant, type ModelUser, noteCrossings, type Rules } from './model.ts';
import { checkPromises, type StepTaken } from './promises.ts';
import { LAG_MS, type Observation, type Service } from './service.ts';
import { viewOfDatabase, viewOfModel } from './views.ts';

/** The model of one run: its users, its clock and what was seen last. */
export interface World {
  readonly rules: Rules;
  readonly users: Map<string, ModelUser>;
  now: Instant;
  steppedBack: boolean;
  /** When everything due was last done. */
  sweptAt: Instant;
  /** Counts the names that were given. */
  names: number;
  seen: Observation;
  /** How many steps were checked. */
  steps: number;
  /** What was answered, such as `hold granted`. */
  readonly answers: string[];
}

export const USERS = ['ann', 'bob', 'eve'] as const;

export function createWorld(policy: Rules['policy'], now: Instant): World {
  return {
    rules: { policy, streams: new Set(), lapsesFrom: 0 },
    users: new Map(USERS.map((id) => [id, { id, quotas: new Map(), records: [], stops: new Map() }])),
    now,
    steppedBack: false,
    sweptAt: now,
    names: 0,
    seen: { quotas: [], records: [], stops: new Map(), misbooked: [], imbalances: [], events: [] },
    steps: 0,
    answers: [],
  };
}

/** Lets acts and sweeps run at the same time, and finds the order in which they did. */
export async function runAtOnce(
  world: World,
  service: Service,
  acts: readonly Act[],
  sweeps: readonly Sweep[] = [],
): Promise<void> {
  service.clock.set(world.now);
  const [answers] = await Promise.all([
    Promise.all(acts.map((act) => carryOut(service.nodes[act.node].store, act))),
    Promise.all(sweeps.map((sweep) => sweepOnce(world, service, sweep))),
  ]);
  const acted = acts.map((act, index) => ({ act, answer: answers[index] }));
  for (const { act, answer } of acted) world.answers.push(`${act.kind} ${outcomeOf(answer)}`);
  const swept = sweeps.map((sweep) => ({ sweep }));
  await conclude(
    world,
    service,
    (user, observation) => {
      const events = [...acted.filter(({ act }) => act.userId === user.id), ...swept];
      const [alone, ...others] = events;
      if (alone && 'act' in alone && others.length === 0) return after(user, world, alone.act, alone.answer);
      const explanation = explain(user, world.rules, events, world.now, observation);
      if (explanation) return explanation;
      throw new Error(unexplained(user, world, events, observation));
    },
    {
      events: [...acted, ...swept],
      sweptAlone: [],
      limitsTouched: sweeps.length > 0 || acts.some((act) => act.kind === 'changeLimits'),
    },
  );
}

/** What becomes of the user by one act that nothing else disturbed. */
function after(user: ModelUser, world: World, act: Act, answer: Answer): ModelUser {
  const next = structuredClone(user);
  const foretold = foretell(next, world.rules, act, world.now - LAG_MS[act.node]);
  expect(answer, `the answer to ${act.kind} of ${user.id}`).toEqual(foretold);
  return next;
}

/** Sweeps on one node until nothing is due, as the sweeper does, with the database to itself. */
export async function sweepAlone(
  world: World,
  service: Service,
  node: 0 | 1,
  kinds: readonly SweepKind[] = ['limits', 'records', 'thresholds'],
): Promise<void> {
  service.clock.set(world.now);
  const at = world.now - LAG_MS[node];
  for (const kind of kinds) while ((await sweepOnce(world, service, { kind, node })) > 0);
  const alone = kinds.map((kind) => ({ kind, node }));
  await conclude(
    world,
    service,
    (user) => {
      const swept = structuredClone(user);
      if (kinds.includes('limits')) {
        for (const [period, quota] of swept.quotas)
          if (quota.limitsChanged) followLimits(swept, world.rules, period, at);
      }
      if (kinds.includes('records')) while (sweepRecords(swept, world.rules, at) > 0);
      noteCrossings(swept, world.rules, at);
      return swept;
    },
    { events: [], sweptAlone: alone, limitsTouched: kinds.includes('limits') },
  );
  if (kinds.length < 3) return;
  world.sweptAt = world.now;
  const due = await service.nodes[node].work.nextDue();
  const pending = [...world.seen.stops.values()].map((stop) => stop.nextAttemptAt ?? Number.POSITIVE_INFINITY);
  if (due && Math.min(...pending) > at) expect(due.getTime(), 'nothing is due after a sweep').toBeGreaterThan(at);
}

function sweepOnce({ rules }: World, { nodes }: Service, { kind, node }: Sweep): Promise<number> {
  const { work } = nodes[node];
  if (kind === 'limits') return work.sweepLimits();
  return kind === 'records' ? work.sweepRecords(new Date(rules.lapsesFrom)) : work.sweepThresholds();
}

/** Looks at the database, holds it against the model, and takes over what the model leaves open: when alerts fire. */
export async function conclude(
  world: World,
  service: Service,
  next: (user: ModelUser, observation: Observation) => ModelUser,
  step: StepTaken,
): Promise<void> {
  const observation = await service.observe();
  for (const [id, user] of world.users) {
    const after = next(user, observation);
    adoptMonths(after, world.rules, observation);
    expect(viewOfDatabase(id, observation), `what the database says of ${id}`).toEqual(viewOfModel(after));
    expect(wrongAlerts(after, observation), `alerts of ${id}`).toEqual([]);
    adoptAlerts(after, observation);
    world.users.set(id, after);
    for (const { streamId } of after.records) if (streamId !== null) world.rules.streams.add(streamId);
  }
  checkPromises(world, world.seen, observation, step);
  world.seen = observation;
  world.steps++;
}

function adoptAlerts(user: ModelUser, { quotas }: Observation): void {
  for (const { userId, period, alerts } of quotas) {
    const quota = userId === user.id && user.quotas.get(period);
    if (!quota) continue;
    quota.fired = new Set(alerts.keys());
    quota.mayFire.clear();
  }
}

/** No order explains it: shows what was answered, and how far the order given comes. */
function unexplained(user: ModelUser, world: World, events: readonly Event[], observation: Observation): string {
  const lines = events.map((event) =>
    'act' in event
      ? `${event.act.kind} on node ${event.act.node} ${show(event.act.request)} answered ${show(event.answer)}`
      : `sweep of ${event.sweep.kind} on node ${event.sweep.node}`,
  );
  return [
    `No order of these explains what became of ${user.id} at ${new Date(world.now).toISOString()}:`,
    ...lines,
    `Before: ${show(viewOfModel(user))}`,
    `After: ${show(viewOfDatabase(user.id, observation))}`,
  ].join('\n');
}

function outcomeOf(answer: Answer): string {
  return typeof answer === 'object' ? answer.outcome : String(answer ?? 'done');
}

function show(value: unknown): string {
  return JSON.stringify(value, (_key, item) => {
    if (typeof item === 'bigint') return item.toString();
    if (item instanceof Map) return Object.fromEntries(item);
    return item instanceof Uint8Array ? '…' : item;
  });
}
