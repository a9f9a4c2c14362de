import { isDeepStrictEqual } from 'node:util';
import { type Act, type Answer, foretell } from './acts.ts';
import { leftBehind, moveOn } from './admission.ts';
import { followLimits, followPrice } from './limits.ts';
import { ensureQuota, type Instant, type ModelUser, nextEventOf, openRecords, type Rules } from './model.ts';
import { enter, type ModelPrice } from './prices.ts';
import { LAG_MS, type Observation } from './service.ts';
import { sweepRecords } from './sweeps.ts';
import { crossedAt, noteCrossings } from './thresholds.ts';
import { viewOfDatabase, viewOfModel } from './views.ts';

export type SweepKind = 'limits' | 'records' | 'thresholds';

export interface Sweep {
  readonly kind: SweepKind;
  readonly node: 0 | 1;
}

/** A price that the operator enters. */
export interface PriceEntry {
  readonly price: ModelPrice;
  readonly node: 0 | 1;
}

/** Something that ran at the same time as the rest of its step, and what the service answered. */
export type Event = Acted | { readonly sweep: Sweep } | { readonly entry: PriceEntry };

/** A part of a call for a token: of calls that travel together, all move their records first. */
interface Moving {
  readonly moving: Act;
}

interface Acted {
  readonly act: Act;
  readonly answer: Answer;
}

/** The model between two events. */
interface State {
  readonly users: readonly ModelUser[];
  readonly rules: Rules;
}

/**
 * The part of some users in a step whose events ran at the same time: an order in which they might have run one by one,
 * with the same answers and the same result. Null if there is none; that would be a race lost.
 *
 * Users who share nothing are explained one by one. A sweep passes over what another node holds at that moment: it may
 * have done any part of its work, also none.
 */
export function explain(
  users: readonly ModelUser[],
  rules: Rules,
  events: readonly Event[],
  now: Instant,
  observation: Observation,
): readonly ModelUser[] | null {
  const isAsObserved = (user: ModelUser) => matches(user, rules, observation);
  if (!users.every((user) => events.some((event) => concerns(event, user)) || isAsObserved(user))) return null;
  const all = [...movesOf(users, rules, events, now), ...events];
  return search({ users, rules }, all, null);

  function search(
    state: State,
    left: readonly (Event | Moving)[],
    previous: Event | Moving | null,
  ): readonly ModelUser[] | null {
    if (left.length === 0) return state.users;
    for (const event of left) {
      // of two that could as well run the other way round, one order is enough
      if (previous && all.indexOf(event) < all.indexOf(previous) && areIndependent(previous, event)) continue;
      const rest = left.filter((other) => other !== event);
      for (const next of outcomes(state, event, now)) {
        const done = next.users.filter((user) => concerns(event, user) && !rest.some((other) => concerns(other, user)));
        const explanation = done.every(isAsObserved) && search(next, rest, event);
        if (explanation) return explanation;
      }
    }
    return null;
  }
}

function movesOf(users: readonly ModelUser[], rules: Rules, events: readonly Event[], now: Instant): Moving[] {
  if (users.length === 1) return [];
  return events.flatMap((event) => {
    if (!('act' in event) || event.act.kind !== 'hold') return [];
    const user = users.find(({ id }) => id === event.act.userId);
    return user && leftBehind(user, rules, now - LAG_MS[event.act.node]).length > 0 ? [{ moving: event.act }] : [];
  });
}

function concerns(event: Event | Moving, user: ModelUser): boolean {
  if ('moving' in event) return event.moving.userId === user.id;
  return !('act' in event) || event.act.userId === user.id;
}

/** Acts of two users, unless one takes what the other leaves of the account. */
function areIndependent(a: Event | Moving, b: Event | Moving): boolean {
  return 'act' in a && 'act' in b && a.act.userId !== b.act.userId && !sharesAccount(a) && !sharesAccount(b);
}

/** Whether what the account has left may decide of it. */
export function sharesAccount(event: Event): boolean {
  if ('sweep' in event) return event.sweep.kind === 'limits';
  return 'act' in event && (event.act.kind === 'hold' || event.act.kind === 'changeLimits');
}

/** What may come of an event that runs next; nothing, if the service has answered otherwise. */
function* outcomes({ users, rules }: State, event: Event | Moving, now: Instant): Generator<State> {
  if ('moving' in event) {
    const { userId, node } = event.moving;
    const moved = structuredClone(users);
    for (const user of moved) if (user.id === userId) moveOn(user, rules, now - LAG_MS[node]);
    yield { users: moved, rules };
    return;
  }
  if ('act' in event) {
    const { act, answer } = event;
    const others = users.filter(({ id }) => id !== act.userId);
    for (const user of users.filter((candidate) => !others.includes(candidate))) {
      const next = structuredClone(user);
      const foretold = foretell(next, { ...rules, others }, act, now - LAG_MS[act.node]);
      if (isDeepStrictEqual(foretold, answer) || endedMeanwhile(next, event, now))
        yield { users: [...others, next], rules };
    }
    return;
  }
  if ('entry' in event) {
    const { price, node } = event.entry;
    const entered = { ...rules, prices: enter(rules.prices, price) };
    const followers = structuredClone(users);
    for (const user of followers) followPrice(user, entered, price.mode, now - LAG_MS[node]);
    yield { users: followers, rules: entered };
    return;
  }
  const { kind, node } = event.sweep;
  const at = now - LAG_MS[node];
  const due = users.flatMap((user) => dueFor(user, rules, kind, at).map((what) => ({ id: user.id, what })));
  for (const part of subsets(due)) {
    const swept = structuredClone(users);
    const own = swept.map((user) => ({ user, part: part.filter(({ id }) => id === user.id).map(({ what }) => what) }));
    if (kind === 'limits') {
      const quotas = own.flatMap(({ user, part: periods }) => periods.map((period) => ({ user, period })));
      followLimits(swept, rules, quotas, at);
    }
    for (const { user, part: ids } of own) {
      if (kind === 'records') sweepRecords(user, rules, at, new Set(ids));
      noteCrossings(user, rules, at);
    }
    yield { users: swept, rules };
  }
}

/**
 * A start that had chosen an unnamed token when something else ended it: it says "ended", where one that came later would
 * find nothing. Either is true, and neither changes anything.
 */
function endedMeanwhile({ records }: ModelUser, { act, answer }: Acted, now: Instant): boolean {
  if (act.kind !== 'start' || typeof answer !== 'object' || answer.outcome !== 'ended') return false;
  const chosen = records.find(({ id }) => 'recordId' in answer && id === answer.recordId);
  return chosen?.streamId === null && chosen.endedAt !== null && chosen.endedAt >= now - LAG_MS[1];
}

function dueFor(user: ModelUser, rules: Rules, kind: SweepKind, at: Instant): string[] {
  switch (kind) {
    case 'records':
      return openRecords(user)
        .filter((record) => nextEventOf(record, rules) <= at)
        .map(({ id }) => id);
    case 'limits':
      return [...user.quotas].filter(([, quota]) => quota.limitsChanged).map(([period]) => period);
    case 'thresholds':
      return [];
  }
}

/** The whole first, nothing last. */
function subsets<T>(items: readonly T[]): T[][] {
  const [first, ...rest] = items;
  if (first === undefined) return [[]];
  return [...subsets(rest).map((subset) => [first, ...subset]), ...subsets(rest)];
}

/** Whether the database says the same, and fires what it had to and nothing else. */
export function matches(user: ModelUser, rules: Rules, observation: Observation): boolean {
  adoptMonths(user, rules, observation);
  return (
    isDeepStrictEqual(viewOfModel(user), viewOfDatabase(user.id, observation)) &&
    wrongAlerts(user, observation).length === 0
  );
}

/**
 * A month may be entered ahead of its first use, in its last minutes before: with the limits of the month before and
 * nothing used, which crosses a limit of zero.
 */
export function adoptMonths(user: ModelUser, rules: Rules, { quotas }: Observation): void {
  const own = quotas.filter((quota) => quota.userId === user.id).map(({ period }) => period);
  for (const period of own.sort().filter((month) => !user.quotas.has(month))) {
    const quota = ensureQuota(user, rules, period);
    for (const threshold of crossedAt(user, rules, period, 0, true)) quota.mayFire.add(threshold);
  }
}

/** Thresholds that fired too early, and those that were told before and are forgotten. */
export function wrongAlerts(user: ModelUser, { quotas }: Observation): string[] {
  return quotas
    .filter((quota) => quota.userId === user.id)
    .flatMap(({ period, alerts }) => {
      const quota = user.quotas.get(period);
      if (!quota) return [];
      return [
        ...[...alerts.keys()]
          .filter((threshold) => !quota.fired.has(threshold) && !quota.mayFire.has(threshold))
          .map((threshold) => `${period} ${threshold}: fired before it was crossed`),
        ...[...quota.fired]
          .filter((threshold) => !alerts.has(threshold))
          .map((threshold) => `${period} ${threshold}: forgotten`),
      ];
    });
}
