import fc from 'fast-check';
import { expect, it } from 'vitest';
import { claimedCost } from '../../../../src/domain/decide/account-room.ts';
import type { LedgerEntry } from '../../../../src/domain/decide/draft.ts';
import { previousPeriod } from '../../../../src/domain/period.ts';
import { type AccountState, takesPlace } from '../../../../src/domain/state.ts';
import { createDecider, type Decider, newAccount } from '../../../support/decide.ts';
import {
  anyBeginning,
  anyPolicy,
  anyStep,
  createTeller,
  type Performed,
  type Step,
} from '../../../support/decide-stories.ts';

// Stories of several users who share an account with a ceiling.

const STORIES = Number(process.env.STORIES ?? 100);
const USERS = ['ann', 'bob', 'eve'];

const anyCeiling = fc.record({
  accountLimitCost: fc.option(fc.bigInt({ min: 1_000_000n, max: 20_000_000n })),
  accountMaxSessions: fc.option(fc.integer({ min: 1, max: 6 })),
});

const anySharedStory = fc.record({
  policy: fc.tuple(anyPolicy, anyCeiling).map(([policy, ceiling]) => ({ ...policy, ...ceiling })),
  beginning: anyBeginning,
  steps: fc.array(fc.tuple(fc.nat({ max: USERS.length - 1 }), anyStep), { minLength: 1, maxLength: 90, size: 'max' }),
});

interface Shared {
  readonly account: AccountState;
  readonly users: readonly Decider[];
}

function inEverySharedStory(check: (shared: Shared, decider: Decider, performed: Performed) => void): void {
  fc.assert(
    fc.property(anySharedStory, ({ policy, beginning, steps }) => {
      const account = newAccount();
      const users = USERS.map((userId) => createDecider({ userId, policy, account, now: beginning }));
      const tellers = users.map((user) =>
        createTeller(user, (decider, performed) => check({ account, users }, decider, performed)),
      );
      for (const [who, step] of steps) {
        const teller = tellers[who];
        if (teller) take(step, teller, users);
      }
    }),
    { numRuns: STORIES },
  );
}

/** One step of one user. The clock is the same for all. */
function take(step: Step, teller: ReturnType<typeof createTeller>, users: readonly Decider[]): void {
  step(teller);
  for (const user of users) user.now = teller.decider.now;
}

it('is the sum of what its users have used and hold', () => {
  inEverySharedStory(({ account, users }) => {
    for (const [period, month] of account.months) {
      const quotas = users.flatMap(({ state }) => state.quotas.filter((quota) => quota.period === period));
      expect(month).toEqual({
        usedCost: quotas.reduce((sum, { usedCost }) => sum + usedCost, 0n),
        heldCost: quotas.reduce((sum, { heldCost }) => sum + heldCost, 0n),
      });
    }
    expect(account.openSessions).toBe(openIn(users));
  });
});

it('is never exceeded by a token, nor by sessions that get more time', () => {
  inEverySharedStory(({ account, users }, decider, { name, answer }) => {
    const { accountLimitCost, accountMaxSessions } = decider.rules.policy;
    const entries = decider.lastStep?.decision.entries ?? [];
    entries.forEach(({ kind, period, heldSeconds, heldCost }, index) => {
      if (accountLimitCost === null || kind !== 'hold' || heldSeconds <= 0 || heldCost <= 0n) return;
      // What is settled later in the same decision may be more than was held for it.
      const claimed = claimedCost(account, period) - claimedBy(entries.slice(index + 1), period);
      expect(Number(accountLimitCost - claimed)).toBeGreaterThanOrEqual(0);
    });
    const isGranted = name === 'hold' && typeof answer === 'object' && answer.outcome === 'granted';
    if (isGranted) expect(openIn(users)).toBeLessThanOrEqual(accountMaxSessions ?? Number.POSITIVE_INFINITY);
  });
});

it('notes each threshold that a token reaches', () => {
  inEverySharedStory(({ account }, decider, { name, answer }) => {
    const { accountLimitCost } = decider.rules.policy;
    const isGranted = name === 'hold' && typeof answer === 'object' && answer.outcome === 'granted';
    if (accountLimitCost === null || !isGranted) return;
    const period = decider.rules.periodOf(decider.now);
    const { usedCost = 0n, heldCost = 0n } = account.months.get(period) ?? {};
    const reached = decider.rules.thresholds.filter(
      (percent) => (usedCost + heldCost) * 100n >= accountLimitCost * BigInt(percent),
    );
    expect([...(account.alerts.get(period) ?? [])]).toEqual(expect.arrayContaining(reached));
  });
});

/** What entries add to what is used and held of a month, and to what is about to move to it. */
function claimedBy(entries: readonly LedgerEntry[], period: string): bigint {
  return entries.reduce((sum, entry) => {
    if (entry.period === previousPeriod(period)) return sum + entry.heldCost;
    return entry.period === period ? sum + entry.usedCost + entry.heldCost : sum;
  }, 0n);
}

function openIn(users: readonly Decider[]): number {
  return users.reduce((sum, { state }) => sum + state.records.filter(takesPlace).length, 0);
}
