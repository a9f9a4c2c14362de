import { isDeepStrictEqual } from 'node:util';
import { hasCeiling } from './account.ts';
import { type Act, type Answer, foretell } from './acts.ts';
import { ensureQuota, type Instant, type ModelUser, mustFollow, type Rules } from './model.ts';
import type { NewPrice } from './prices.ts';
import { LAG_MS, type Observation } from './service.ts';
import { sweep } from './sweeps.ts';
import { crossedAt } from './thresholds.ts';
import { viewOfDatabase, viewOfModel } from './views.ts';

/** A sweep of one user: of those that one sweep of a node finds, each is decided by itself. */
export interface Sweep {
  readonly userId: string;
  readonly node: 0 | 1;
}

/** A price that the operator enters. */
export interface PriceEntry {
  readonly price: NewPrice;
  readonly node: 0 | 1;
}

/** Something that ran at the same time as the rest of its step, and what the service answered. */
export type Event = Acted | { readonly sweep: Sweep };

interface Acted {
  readonly act: Act;
  readonly answer: Answer;
}

/** An event that ran, and whether what the account had left may have decided it. */
interface Ran {
  readonly event: Event;
  readonly readsAccount: boolean;
}

/**
 * The part of some users in a step whose events ran at the same time: an order in which they might have run one by one,
 * with the same answers and the same result. Null if there is none; that would be a race lost.
 *
 * Users who share nothing are explained one by one. A sweep may pass over a user whom another transaction is changing.
 *
 * @param possible the rules that each event may go by: without, and with, a price that is entered at the same time
 */
export function explain(
  users: readonly ModelUser[],
  possible: readonly Rules[],
  events: readonly Event[],
  now: Instant,
  observation: Observation,
): readonly ModelUser[] | null {
  const rules = possible.at(-1);
  if (!rules) return null;
  const isAsObserved = (user: ModelUser) => matches(user, rules, observation);
  if (!users.every((user) => events.some((event) => concerns(event, user)) || isAsObserved(user))) return null;
  return search(users, events, null);

  function search(
    before: readonly ModelUser[],
    left: readonly Event[],
    previous: Ran | null,
  ): readonly ModelUser[] | null {
    if (left.length === 0) return before;
    for (const event of left) {
      const ran = { event, readsAccount: possible.some((each) => readsAccount(event, before, each)) };
      // of two that could as well run the other way round, one order is enough
      if (previous && events.indexOf(event) < events.indexOf(previous.event) && areIndependent(previous, ran)) continue;
      const rest = left.filter((other) => other !== event);
      const mayPass = 'sweep' in event && events.some((other) => other !== event && userOf(other) === userOf(event));
      for (const next of [...outcomes(before, possible, event, now), ...(mayPass ? [before] : [])]) {
        const done = next.filter((user) => concerns(event, user) && !rest.some((other) => concerns(other, user)));
        const explanation = done.every(isAsObserved) && search(next, rest, ran);
        if (explanation) return explanation;
      }
    }
    return null;
  }
}

function concerns(event: Event, { id }: ModelUser): boolean {
  return userOf(event) === id;
}

export function userOf(event: Event): string {
  return 'act' in event ? event.act.userId : event.sweep.userId;
}

/** Events of two users, unless one takes what the other leaves of the account. */
function areIndependent(a: Ran, b: Ran): boolean {
  return userOf(a.event) !== userOf(b.event) && !a.readsAccount && !b.readsAccount;
}

/** Whether what the account has left may decide it. */
export function readsAccount(event: Event, users: readonly ModelUser[], rules: Rules): boolean {
  if (!hasCeiling(rules.policy)) return false;
  if ('act' in event) return event.act.kind === 'hold' || event.act.kind === 'changeLimits';
  return users.some((user) => concerns(event, user) && mustFollow(user, rules));
}

/** What may come of an event that runs next, by each of the rules; nothing, if the service has answered otherwise. */
function outcomes(
  users: readonly ModelUser[],
  possible: readonly Rules[],
  event: Event,
  now: Instant,
): (readonly ModelUser[])[] {
  const others = users.filter((user) => !concerns(event, user));
  const found: ModelUser[] = [];
  for (const rules of possible) {
    const user = structuredClone(users.find((candidate) => concerns(event, candidate)));
    if (!user || !runs(user, { ...rules, others }, event, now)) continue;
    if (!found.some((known) => isDeepStrictEqual(known, user))) found.push(user);
  }
  return found.map((user) => [...others, user]);
}

/** Lets an event run for its user. False if the service has answered otherwise. */
function runs(user: ModelUser, rules: Rules, event: Event, now: Instant): boolean {
  if ('sweep' in event) {
    sweep(user, rules, now - LAG_MS[event.sweep.node]);
    return true;
  }
  return isDeepStrictEqual(foretell(user, rules, event.act, now - LAG_MS[event.act.node]), event.answer);
}

/** Whether the database says the same, and fires what it had to and nothing else. */
export function matches(user: ModelUser, rules: Rules, observation: Observation): boolean {
  adoptMonths(user, rules, observation);
  return (
    isDeepStrictEqual(viewOfModel(user, rules), viewOfDatabase(user.id, observation)) &&
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

/** Thresholds that fired too early, and those that were published and are lost. */
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
