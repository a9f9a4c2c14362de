import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { openInAll, spentBy } from './account.ts';
import type { Event } from './linearise.ts';
import {
  hasOldPrice,
  type Instant,
  isOutstanding,
  type ModelUser,
  nextEventOf,
  nextEventOfEnded,
  openRecords,
  periodOf,
  type Rules,
  roomOf,
} from './model.ts';
import { LAG_MS, type Observation, type ObservedQuota, type PublishedEvent } from './service.ts';
import { crossedAt } from './thresholds.ts';
import type { World } from './world.ts';

// What must hold after every step, whatever it was, beyond that the database says what the model says.

/** What a step did. */
export interface StepTaken {
  /** What ran at once. */
  readonly events: readonly Event[];
  /** The node whose sweep has just found nothing due. Null otherwise. */
  readonly sweptBy: 0 | 1 | null;
  /** Whether limits changed, or open records followed limits or prices. */
  readonly limitsTouched: boolean;
}

export function checkPromises(world: World, before: Observation, after: Observation, step: StepTaken): void {
  expect(after.imbalances, 'the books balance').toEqual([]);
  expect(after.misbooked, 'each record is settled once a month and its hold released once').toEqual([]);
  noOverAdmission(world, step);
  nothingCostsMoreThanItsHold(world, before, after, step);
  for (const quota of after.quotas) {
    const user = world.users.get(quota.userId);
    if (!user) throw new Error(`Nobody is called ${quota.userId}`);
    const earlier = before.quotas.find((q) => q.userId === quota.userId && q.period === quota.period);
    const published = after.events.filter((event) => event.userId === quota.userId && event.period === quota.period);
    versionsGrow(earlier, quota, published, before, after);
    versionsGrowAcrossMonths(quota, after);
    eachThresholdFiresOnce(earlier, quota, published, step);
    everyThresholdFires(world, user, quota, step);
    theSweeperIsCalledInTime(world, user, quota, after);
  }
}

/** At a grant, holds and settled use are within the limits, of the user and of the account. */
function noOverAdmission({ users, rules, now }: World, { events }: StepTaken): void {
  const all = [...users.values()];
  const { accountLimitCost, accountMaxSessions } = rules.policy;
  expect(openInAll(all), 'no more open records than places').toBeLessThanOrEqual(accountMaxSessions ?? Infinity);
  // beside other acts something may be settled after the grant; there the answers themselves are compared
  const holds = events.flatMap((event) => ('act' in event && event.act.kind === 'hold' ? [event] : []));
  if (holds.length !== events.length) return;
  for (const { act, answer } of holds) {
    const user = users.get(act.userId);
    if (!user || typeof answer !== 'object' || answer.outcome !== 'granted') continue;
    const period = periodOf(rules, now - LAG_MS[act.node]);
    const room = roomOf(user, rules, period);
    expect(room.seconds, 'no over-admission, in seconds').toBeGreaterThanOrEqual(0);
    // a free avatar is let in even where over-use of another has passed the limit of cost
    if (user.records.at(-1)?.heldCost === 0n) continue;
    expect(Number(room.cost), 'no over-admission, in cost').toBeGreaterThanOrEqual(0);
    // of several at once, a later one may have ended a session that had run over its hold
    if (accountLimitCost === null || holds.length > 1) continue;
    expect(Number(accountLimitCost - spentBy(all, period)), 'no over-admission, of the account').toBeGreaterThanOrEqual(
      0,
    );
  }
}

/** What a session costs by its deadline was held for it, as long as nothing has changed that its hold must follow first. */
function nothingCostsMoreThanItsHold(
  { users, rules }: World,
  before: Observation,
  after: Observation,
  step: StepTaken,
) {
  const { tokenTtlSeconds, maxSessionSeconds } = rules.policy;
  if (step.limitsTouched) return;
  for (const { id, userId, view } of before.records) {
    const { view: ended } = after.records.find((record) => record.id === id) ?? {};
    const quota = before.quotas.find((q) => q.userId === userId && q.period === view.holdingPeriod);
    if (!ended?.endReason || view.status !== 'active' || view.heldSeconds === 0 || quota?.limitsChanged) continue;
    const [endedAt, deadline] = [ended.endedAt ?? Infinity, view.expiresAt ?? 0];
    const record = users.get(userId)?.records.find((candidate) => candidate.id === id);
    if (!record || hasOldPrice(rules, record)) continue;
    // a token is attached at once: later ones live on under prices that nobody has looked for
    const foreseen = record.createdAt;
    if (endedAt > Math.min(deadline, foreseen + (tokenTtlSeconds + maxSessionSeconds) * 1000)) continue;
    const settled = ended.settled.find(({ period }) => period === view.holdingPeriod)?.cost ?? 0n;
    // each price is rounded for itself
    expect(Number(settled - view.heldCost), `what ${id} cost beyond its hold`).toBeLessThanOrEqual(rules.prices.length);
  }
}

/** Every visible change has its own version and is published, in order. */
function versionsGrow(
  earlier: ObservedQuota | undefined,
  quota: ObservedQuota,
  published: readonly PublishedEvent[],
  before: Observation,
  after: Observation,
): void {
  const from = earlier?.version ?? 0;
  const versions = published.map((event) => event.version);
  expect(versions, 'versions are published in order, each once').toEqual(
    [...new Set(versions)].sort((a, b) => a - b).filter((version) => version > from && version <= quota.version),
  );
  expect(quota.version, 'a version never falls').toBeGreaterThanOrEqual(from);
  if (earlier && isDeepStrictEqual(shown(earlier), shown(quota))) return;
  // entered ahead, or changed by hand: the sweeper will tell
  if (!earlier && quota.openRecords.length + quota.sessionCount === 0) return;
  if (quota.limitsChanged) return;
  expect(quota.version, `${quota.period} of ${quota.userId} has changed, so its version grows`).toBeGreaterThan(from);
  // a record that moves on, also one that was created in this step, is published in the new month only
  const movesOn = after.records.some(({ id, userId, view: { period, holdingPeriod } }) => {
    const known = before.records.find((record) => record.id === id)?.view;
    return userId === quota.userId && holdingPeriod > quota.period && (known?.holdingPeriod ?? period) === quota.period;
  });
  if (movesOn) return;
  expect(
    versions.at(-1),
    `the last change of ${quota.period} of ${quota.userId} is published: ${JSON.stringify(published)}`,
  ).toBe(quota.version);
}

function shown({ version: _version, nextThresholdAt: _at, limitsChanged: _changed, ...quota }: ObservedQuota) {
  return quota;
}

function versionsGrowAcrossMonths(quota: ObservedQuota, { quotas }: Observation): void {
  for (const other of quotas) {
    if (other.userId !== quota.userId || other.period <= quota.period) continue;
    expect(other.version, 'a later month has higher versions').toBeGreaterThan(quota.version);
  }
}

function eachThresholdFiresOnce(
  earlier: ObservedQuota | undefined,
  quota: ObservedQuota,
  published: readonly PublishedEvent[],
  step: StepTaken,
): void {
  // lowered and raised within one step, a limit may be crossed twice
  if (step.limitsTouched) return;
  const warnings = published.filter(({ reason }) => reason === 'warning' || reason === 'limit_reached');
  const fired = [...quota.alerts].filter(([threshold]) => !earlier?.alerts.has(threshold));
  expect(warnings.length, 'each threshold that fires is published once').toBe(fired.length);
  for (const [threshold, at] of earlier?.alerts ?? []) {
    expect(quota.alerts.get(threshold), `when ${threshold} was crossed stays as it was published`).toBe(at);
  }
}

/** What ended sessions have crossed has fired; after a sweep, also what running ones have. */
function everyThresholdFires(world: World, user: ModelUser, quota: ObservedQuota, { sweptBy }: StepTaken): void {
  const { rules, now } = world;
  if (quota.limitsChanged) return;
  const crossed = crossedAt(user, rules, quota.period, now, true);
  if (sweptBy !== null) crossed.push(...crossedAt(user, rules, quota.period, now - LAG_MS[sweptBy] - tolerance(world)));
  const silent = crossed.filter((threshold) => hasLimit(quota, threshold) && !quota.alerts.has(threshold));
  expect(silent, `thresholds of ${quota.userId} in ${quota.period} that were crossed and did not fire`).toEqual([]);
}

/** A limit of zero is crossed before anything happens, and published with the first change. */
function hasLimit(quota: ObservedQuota, threshold: string): boolean {
  return threshold.startsWith('minutes') ? quota.limitMinutes > 0 : quota.limitCost > 0n;
}

/** No user is due later than something must happen: no sweeper looks before that. */
function theSweeperIsCalledInTime(world: World, user: ModelUser, quota: ObservedQuota, after: Observation): void {
  const { rules, now } = world;
  const holding = openRecords(user).filter((record) => record.holdingPeriod === quota.period);
  const due = after.dueAt.get(user.id) ?? Number.POSITIVE_INFINITY;
  for (const record of holding) {
    expect(due, `${user.id} is due in time for ${record.id}`).toBeLessThanOrEqual(nextEventOf(record, rules));
  }
  for (const record of user.records.filter(isOutstanding)) {
    expect(due, `${user.id} is due in time for ${record.id}, which has ended`).toBeLessThanOrEqual(
      nextEventOfEnded(record),
    );
  }
  const thresholdAt = quota.nextThresholdAt ?? Number.POSITIVE_INFINITY;
  expect(due, `${user.id} is due in time for a threshold`).toBeLessThanOrEqual(thresholdAt);
  if (quota.limitsChanged) expect(due, `${user.id} is due for changed limits`).toBe(0);
  // the sweeper first ends what is overdue, and then computes the next crossing
  if (quota.limitsChanged || holding.some((record) => isOverdue(record.expiresAt, record.holdingPeriod))) return;
  const foreseen = thresholdAt - 1 - tolerance(world);
  const missed = crossedAt(user, rules, quota.period, foreseen).filter(
    (threshold) => hasLimit(quota, threshold) && !quota.alerts.has(threshold),
  );
  expect(missed, `thresholds of ${quota.userId} in ${quota.period} that are crossed before they are due`).toEqual([]);

  function isOverdue(expiresAt: Instant | null, period: string): boolean {
    return (expiresAt ?? now) <= now || monthIsOver(rules, period, now);
  }
}

function monthIsOver(rules: Rules, period: string, now: Instant): boolean {
  return periodOf(rules, now) > period;
}

/**
 * How late a threshold may be. A session that has just moved counts from up to a second ahead, and the nodes' clocks
 * differ; after the clock has stepped back, a session may have started in the future, and the line on which it will
 * consume is foreseen as if it had begun.
 */
function tolerance({ steppedBack }: World): number {
  return LAG_MS[1] + 1000 + (steppedBack ? 31_000 : 0);
}
