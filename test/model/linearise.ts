import { isDeepStrictEqual } from 'node:util';
import { type Act, type Answer, foretell } from './acts.ts';
import { followLimits, sweepRecords } from './endings.ts';
import {
  crossedAt,
  ensureQuota,
  type Instant,
  type ModelUser,
  nextEventOf,
  noteCrossings,
  openRecords,
  type Rules,
} from './model.ts';
import { LAG_MS, type Observation } from './service.ts';
import { viewOfDatabase, viewOfModel } from './views.ts';

export type SweepKind = 'limits' | 'records' | 'thresholds';

export interface Sweep {
  readonly kind: SweepKind;
  readonly node: 0 | 1;
}

/** Something that ran at the same time as the rest of its step, and what the service answered. */
export type Event = Acted | { readonly sweep: Sweep };

interface Acted {
  readonly act: Act;
  readonly answer: Answer;
}

/**
 * One user's part of a step whose events ran at the same time: an order in which they might have run one by one, with
 * the same answers and the same result. Null if there is none; that would be a race lost.
 *
 * Users share nothing, so each is explained alone. A sweep passes over what another node holds at that moment: it may
 * have done any part of its work, also none.
 */
export function explain(
  user: ModelUser,
  rules: Rules,
  events: readonly Event[],
  now: Instant,
  observation: Observation,
): ModelUser | null {
  if (events.length === 0) return matches(user, rules, observation) ? user : null;
  for (const event of events) {
    for (const next of outcomes(user, rules, event, now)) {
      const rest = events.filter((other) => other !== event);
      const explanation = explain(next, rules, rest, now, observation);
      if (explanation) return explanation;
    }
  }
  return null;
}

/** What may come of an event that runs next; nothing, if the service has answered otherwise. */
function* outcomes(user: ModelUser, rules: Rules, event: Event, now: Instant): Generator<ModelUser> {
  if ('act' in event) {
    const next = structuredClone(user);
    const answer = foretell(next, rules, event.act, now - LAG_MS[event.act.node]);
    if (isDeepStrictEqual(answer, event.answer) || endedMeanwhile(next, event, now)) yield next;
    return;
  }
  const at = now - LAG_MS[event.sweep.node];
  for (const part of subsets(dueFor(user, rules, event.sweep.kind, at))) {
    const next = structuredClone(user);
    if (event.sweep.kind === 'records') sweepRecords(next, rules, at, new Set(part));
    else for (const period of part) followLimits(next, rules, period, at);
    noteCrossings(next, rules, at);
    yield next;
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
function subsets(items: readonly string[]): string[][] {
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
