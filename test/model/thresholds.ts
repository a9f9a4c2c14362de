import {
  endOf,
  type Instant,
  limitsOf,
  type ModelRecord,
  type ModelUser,
  openRecords,
  type Rules,
  settledOf,
  sum,
  sumOfCosts,
} from './model.ts';

// When the thresholds of the model are crossed.

/** The thresholds that a month's use has crossed at a moment; with `settledOnly`, what runs is not counted. */
export function crossedAt(user: ModelUser, rules: Rules, period: string, at: Instant, settledOnly = false): string[] {
  const { limitMinutes, limitCost } = limitsOf(user, rules, period);
  const running = openRecords(user).filter((r) => r.countedFrom !== null && r.holdingPeriod === period && !settledOnly);
  const until = Math.min(at, endOf(rules, period));
  // milliseconds, and millionths × milliseconds per minute: nothing is rounded
  const consumed = (r: ModelRecord) => Math.min(Math.max(until - (r.countedFrom ?? until), 0), r.heldSeconds * 1000);
  const settled = settledOf(user, period);
  const used = {
    minutes: BigInt(settled.seconds * 1000 + sum(running, consumed)),
    cost: settled.cost * 60_000n + sumOfCosts(running, (r) => costAlong(r, consumed(r))),
  };
  const limit = { minutes: BigInt(limitMinutes) * 60_000n, cost: limitCost * 60_000n };
  return (['minutes', 'cost'] as const).flatMap((name) =>
    [...new Set([...rules.policy.thresholds, 100])]
      .filter((percent) => used[name] * 100n >= limit[name] * BigInt(percent))
      .map((percent) => `${name} ${percent}`),
  );
}

/** Notes what has been crossed by now: a step fires this or, at the latest, the next sweep does. */
export function noteCrossings(user: ModelUser, rules: Rules, at: Instant): void {
  for (const [period, quota] of user.quotas) {
    for (const threshold of crossedAt(user, rules, period, at)) quota.mayFire.add(threshold);
  }
}

/** What a session costs along its line: what its seconds at earlier prices cost is known. */
function costAlong({ line }: ModelRecord, milliseconds: number): bigint {
  if (!line) return 0n;
  const atThisPrice = Math.max(milliseconds - line.pricedSeconds * 1000, 0);
  return line.pricedCost * 60_000n + BigInt(atThisPrice) * line.perMinute;
}
