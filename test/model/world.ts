import { expect } from 'vitest';
import { type Act, type Answer, carryOut, foretell } from './acts.ts';
import { adoptMonths, type Event, explain, type PriceEntry, readsAccount, userOf, wrongAlerts } from './linearise.ts';
import { type Instant, type ModelUser, mustFollow, openRecords, type Rules } from './model.ts';
import { enter } from './prices.ts';
import { checkPromises, type StepTaken } from './promises.ts';
import { LAG_MS, type Observation, type Service } from './service.ts';
import { unexplained } from './unexplained.ts';
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
    rules: { policy, streams: new Set(), lapsesFrom: 0, prices: [], others: [] },
    users: new Map(USERS.map((id) => [id, { id, quotas: new Map(), records: [], stops: new Map() }])),
    now,
    steppedBack: false,
    sweptAt: now,
    names: 0,
    seen: { quotas: [], records: [], dueAt: new Map(), stops: new Map(), misbooked: [], imbalances: [], events: [] },
    steps: 0,
    answers: [],
  };
}

/** Lets acts, sweeps of nodes and a price run at the same time, and finds the order in which they did. */
export async function runAtOnce(
  world: World,
  service: Service,
  acts: readonly Act[],
  sweepers: readonly (0 | 1)[] = [],
  entry: PriceEntry | null = null,
): Promise<void> {
  service.clock.set(world.now);
  const [answers] = await Promise.all([
    Promise.all(acts.map((act) => carryOut(service.nodes[act.node].store, act))),
    Promise.all(sweepers.map((node) => sweepOnce(world, service, node))),
    entry && service.nodes[entry.node].enterPrice(entry.price),
  ]);
  const acted = acts.map((act, index) => ({ act, answer: answers[index] }));
  for (const { act, answer } of acted) world.answers.push(`${act.kind} ${outcomeOf(answer)}`);
  const sweeps = sweepers.flatMap(sweepsOf);
  const events: Event[] = [...acted, ...sweeps];
  const [alone, ...others] = events;
  await conclude(
    world,
    service,
    (users, observation) => {
      if (alone && 'act' in alone && others.length === 0 && !entry) return after(users, world, alone.act, alone.answer);
      return explained(users, world, events, entry, observation);
    },
    {
      events,
      sweptBy: null,
      limitsTouched:
        acts.some((act) => act.kind === 'changeLimits') ||
        (sweeps.length > 0 && (entry !== null || mustAnyFollow(world))),
    },
    entry,
  );
}

/** What a sweep of a node does: one event for each user. */
function sweepsOf(node: 0 | 1): Event[] {
  return USERS.map((userId) => ({ sweep: { userId, node } }));
}

function mustAnyFollow({ users, rules }: World): boolean {
  return [...users.values()].some((user) => mustFollow(user, rules));
}

/** What becomes of the users by events that ran at the same time. */
function explained(
  users: readonly ModelUser[],
  world: World,
  events: readonly Event[],
  entry: PriceEntry | null,
  observation: Observation,
): readonly ModelUser[] {
  const possible = entry ? [world.rules, withPrice(world.rules, entry)] : [world.rules];
  return groups(users, possible, events).flatMap((group) => {
    const own = events.filter((event) => group.some(({ id }) => id === userOf(event)));
    const explanation = explain(group, possible, own, world.now, observation);
    if (explanation) return explanation;
    throw new Error(unexplained(group, world, own, entry, observation));
  });
}

function withPrice(rules: Rules, { price }: PriceEntry): Rules {
  return { ...rules, prices: enter(rules.prices, price) };
}

/** Users share nothing, unless their account has a ceiling. */
function groups(
  users: readonly ModelUser[],
  possible: readonly Rules[],
  events: readonly Event[],
): (readonly ModelUser[])[] {
  const share = events.some((event) => possible.some((rules) => readsAccount(event, users, rules)));
  return share ? [users] : users.map((user) => [user]);
}

/** What becomes of the users by one act that nothing else disturbed. */
function after(users: readonly ModelUser[], world: World, act: Act, answer: Answer): ModelUser[] {
  return users.map((user) => {
    if (user.id !== act.userId) return user;
    const next = structuredClone(user);
    const rules = { ...world.rules, others: users.filter((other) => other !== user) };
    const foretold = foretell(next, rules, act, world.now - LAG_MS[act.node]);
    expect(answer, `the answer to ${act.kind} of ${user.id}`).toEqual(foretold);
    return next;
  });
}

/** Enters a price while nothing else happens: open records follow with the next sweep. */
export async function enterAlone(world: World, service: Service, { price, node }: PriceEntry): Promise<void> {
  service.clock.set(world.now);
  const followed = await service.nodes[node].enterPrice(price);
  const open = [...world.users.values()].flatMap(openRecords).filter(({ mode }) => mode === price.mode);
  expect(followed, 'how many open records are at that price').toBe(open.length);
  world.answers.push('price entered');
  await conclude(
    world,
    service,
    (users) => users,
    { events: [], sweptBy: null, limitsTouched: false },
    { price, node },
  );
}

/** Sweeps on one node until nothing is due, as the sweeper does, with the database to itself. */
export async function sweepAlone(world: World, service: Service, node: 0 | 1): Promise<void> {
  service.clock.set(world.now);
  let swept: number;
  do {
    swept = await sweepOnce(world, service, node);
    const events = swept > 0 ? sweepsOf(node) : [];
    const step: StepTaken = {
      events,
      sweptBy: swept > 0 ? null : node,
      limitsTouched: mustAnyFollow(world),
    };
    await conclude(world, service, (users, observation) => explained(users, world, events, null, observation), step);
  } while (swept > 0);
  world.sweptAt = world.now;
  const at = world.now - LAG_MS[node];
  const due = await service.nodes[node].work.nextDue();
  const pending = [...world.seen.stops.values()].map((stop) => stop.nextAttemptAt ?? Number.POSITIVE_INFINITY);
  if (due && Math.min(...pending) > at) expect(due.getTime(), 'nothing is due after a sweep').toBeGreaterThan(at);
}

function sweepOnce({ rules }: World, { nodes }: Service, node: 0 | 1): Promise<number> {
  return nodes[node].work.sweep(new Date(rules.lapsesFrom));
}

/** Looks at the database, holds it against the model, and takes over what the model leaves open: when alerts fire. */
export async function conclude(
  world: World,
  service: Service,
  next: (users: readonly ModelUser[], observation: Observation) => readonly ModelUser[],
  step: StepTaken,
  entry: PriceEntry | null = null,
): Promise<void> {
  const observation = await service.observe();
  const users = next([...world.users.values()], observation);
  if (entry) world.rules.prices = enter(world.rules.prices, entry.price);
  for (const after of users) {
    const { id } = after;
    adoptMonths(after, world.rules, observation);
    expect(viewOfDatabase(id, observation), `what the database says of ${id}`).toEqual(viewOfModel(after, world.rules));
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

function outcomeOf(answer: Answer): string {
  return typeof answer === 'object' ? answer.outcome : String(answer ?? 'done');
}
