import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesNothing, type Decision, decide } from '../../../../src/domain/decide/decide.ts';
import type { LedgerEntry } from '../../../../src/domain/decide/draft.ts';
import { lapseAt } from '../../../../src/domain/decide/due.ts';
import { hasOldPrice } from '../../../../src/domain/decide/follow-price.ts';
import { quotaStateOf } from '../../../../src/domain/quota-state.ts';
import { isOpen, type StoredQuota, type StoredRecord } from '../../../../src/domain/state.ts';
import type { HoldRequest } from '../../../../src/domain/store.ts';
import { crossedThresholds } from '../../../../src/domain/thresholds.ts';
import type { Decider } from '../../../support/decide.ts';
import { anyStory, type Performed, runToTheEnd, tell } from '../../../support/decide-stories.ts';

// What holds after every act of any story: acts of every kind, prices that are entered and a clock that moves. Each state is
// frozen before the next act is decided on it.
//
//   STORIES   how many stories each property is checked in

const STORIES = Number(process.env.STORIES ?? 100);

type Check = (decider: Decider, decision: Decision, performed: Performed) => void;

function inEveryStory(check: Check, atTheEnd?: (decider: Decider) => void): void {
  fc.assert(
    fc.property(anyStory, (story) => {
      const decider = tell(story, (teller, performed) => {
        if (teller.lastStep) check(teller, teller.lastStep.decision, performed);
      });
      atTheEnd?.(decider);
    }),
    { numRuns: STORIES },
  );
}

describe('a token', () => {
  it('is granted no more than the limits leave', () => {
    inEveryStory((decider, _, { name, answer }) => {
      if (name !== 'hold' || typeof answer !== 'object' || answer.outcome !== 'granted') return;
      const quota = quotaOf(decider, decider.rules.periodOf(decider.now));
      expect(quota.usedSeconds + quota.heldSeconds).toBeLessThanOrEqual(quota.limitMinutes * 60);
      // A free avatar is granted where the cost is used up, too.
      if (decider.state.records.at(-1)?.heldCost === 0n) return;
      expect(Number(quota.limitCost - quota.usedCost - quota.heldCost)).toBeGreaterThanOrEqual(0);
    });
  });

  it('that is refused changes nothing but what runs on from last month, what had ended by the clock, and its conversation’s own session', () => {
    inEveryStory(({ lastStep, now, rules }, { entries }, { name, answer, request }) => {
      if (name !== 'hold' || typeof answer !== 'object' || answer.outcome === 'granted') return;
      const { sessionId } = request as HoldRequest;
      const isOver = (record: StoredRecord) =>
        Math.min(record.expiresAt ?? now, lapseAt(record, rules, 0)) <= now || record.sessionId === sessionId;
      const over = lastStep?.before.records.filter((record) => isOpen(record) && isOver(record)).map(({ id }) => id);
      const others = entries.filter(({ reason, recordId }) => {
        const isMove = reason === 'period_ended' || reason === 'period_started';
        return !isMove && !(reason === 'superseded' && over?.includes(recordId));
      });
      expect(others).toEqual([]);
    });
  });
});

describe('open sessions', () => {
  it('hold no more than a changed limit leaves, beyond what they have used', () => {
    inEveryStory(({ state, now }, decision, { name }) => {
      if (name !== 'changeLimits') return;
      for (const quota of refitted(decision)) {
        const holding = state.records.filter((record) => isOpen(record) && record.quotaPeriod === quota.period);
        if (holding.every((record) => record.heldSeconds <= consumedSeconds(record, now))) continue;
        expect(quota.usedSeconds + quota.heldSeconds).toBeLessThanOrEqual(quota.limitMinutes * 60);
      }
    });
  });

  it('take no more into a new month than it leaves', () => {
    inEveryStory(({ lastStep, state }, { entries }) => {
      for (const { period, limitMinutes, limitCost } of state.quotas) {
        const before = lastStep?.before.quotas.find((quota) => quota.period === period);
        const own = entries.filter((entry) => entry.period === period);
        own.forEach(({ kind, heldSeconds, heldCost }, index) => {
          if (kind !== 'move') return;
          const { usedSeconds, usedCost, ...held } = sumOf([...(before ? [before] : []), ...own.slice(0, index + 1)]);
          if (heldSeconds > 0) expect(usedSeconds + held.heldSeconds).toBeLessThanOrEqual(limitMinutes * 60);
          if (heldCost > 0n) expect(Number(limitCost - usedCost - held.heldCost)).toBeGreaterThanOrEqual(0);
        });
      }
    });
  });
});

describe('the books', () => {
  it('balance: quotas are the sums of their entries, and hold what their records hold', () => {
    inEveryStory(({ state, entries }) => {
      for (const quota of state.quotas) {
        expect(figuresOf(quota)).toEqual(sumOf(entries.filter(({ period }) => period === quota.period)));
        const holding = state.records.filter((record) => record.quotaPeriod === quota.period);
        const { heldSeconds, heldCost } = sumOf(holding.map((record) => ({ ...record, usedSeconds: 0, usedCost: 0n })));
        expect({ heldSeconds, heldCost }).toEqual({ heldSeconds: quota.heldSeconds, heldCost: quota.heldCost });
      }
    });
  });

  it('never show less than nothing', () => {
    inEveryStory(({ state }) => {
      for (const quota of state.quotas) expect(lowest(Object.values(figuresOf(quota)))).toBeGreaterThanOrEqual(0);
      for (const record of state.records) expect(lowest(amountsOf(record))).toBeGreaterThanOrEqual(0);
    });
  });

  it('settle a record once a month, and end it once', () => {
    inEveryStory(
      () => {},
      ({ state, entries }) => {
        for (const record of state.records) {
          const own = entries.filter(({ recordId }) => recordId === record.id);
          const settled = own.filter(({ kind }) => kind === 'settle').map(({ period }) => period);
          expect(settled, 'months that were settled').toEqual([...new Set(settled)]);
          const ends = own.filter(({ kind, reason }) => (kind === 'settle' || kind === 'release') && !goesOn(reason));
          expect(ends.length, 'entries that end it').toBe(isOpen(record) ? 0 : 1);
        }
      },
    );
  });

  it('hold nothing once everything has ended, and nothing is due', () => {
    inEveryStory(
      () => {},
      (decider) => {
        runToTheEnd(decider);
        const { quotas, dueAt } = decider.state;
        expect(quotas.map(({ heldSeconds, heldCost }) => ({ heldSeconds, heldCost }))).toEqual(
          quotas.map(() => ({ heldSeconds: 0, heldCost: 0n })),
        );
        expect(dueAt).toBeNull();
      },
    );
  });
});

describe('a threshold', () => {
  it('fires once per month and limit, and again only after its limit changed', () => {
    inEveryStory(({ lastStep }, { quotas, events }) => {
      for (const quota of quotas) {
        const own = events.filter(({ period }) => period === quota.period).map(({ reason }) => reason);
        const known = lastStep?.before.quotas.find(({ period }) => period === quota.period)?.alerts ?? [];
        const fired = quota.alerts.filter((alert) => !known.includes(alert));
        expect(own.filter((reason) => reason === 'warning' || reason === 'limit_reached').length).toBe(fired.length);
        const keys = quota.alerts.map(({ limit, thresholdPercent }) => `${limit} ${thresholdPercent}`);
        expect(keys).toEqual([...new Set(keys)]);
        if (known.some((alert) => !quota.alerts.includes(alert))) expect(own).toContain('limit_changed');
      }
    });
  });
});

describe('a threshold that a higher limit puts ahead', () => {
  it('can fire again', () => {
    inEveryStory(({ state, rules, now }, decision, { name }) => {
      if (name !== 'changeLimits') return;
      for (const quota of refitted(decision)) {
        const at = new Date(Math.min(now, rules.endOf(quota.period)));
        const crossed = crossedThresholds(quotaStateOf(state, quota), rules.thresholds, at);
        const keys = quota.alerts.map(({ limit, thresholdPercent }) => ({ limit, thresholdPercent }));
        expect(crossed).toEqual(expect.arrayContaining(keys));
      }
    });
  });
});

describe('the version of a quota', () => {
  it('grows with every change of its figures, and is published in order', () => {
    inEveryStory(({ lastStep }, { quotas, events }) => {
      for (const quota of quotas) {
        const before = lastStep?.before.quotas.find(({ period }) => period === quota.period);
        const published = events.filter(({ period }) => period === quota.period).map(({ version }) => version);
        expect(published).toEqual([...new Set(published)].sort((a, b) => a - b));
        expect(published.at(-1) ?? 0).toBeLessThanOrEqual(quota.version);
        if (!before) continue;
        expect(quota.version).toBeGreaterThanOrEqual(before.version);
        expect(published[0] ?? Number.POSITIVE_INFINITY).toBeGreaterThan(before.version);
        if (quota.version === before.version) expect(figuresOf(quota)).toEqual(figuresOf(before));
      }
    });
  });

  it('is higher than every version of the months before', () => {
    inEveryStory(({ state }) => {
      const versions = state.quotas.map(({ version }) => version);
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    });
  });
});

describe('a decision', () => {
  it('is the same for the same state', () => {
    inEveryStory(({ lastStep }, decision) => {
      expect(lastStep?.again()).toEqual(decision);
    });
  });
});

describe('a session that has ended', () => {
  it('is stopped at the vendor, unless it ended by the vendor’s word', () => {
    inEveryStory(({ state, stops }) => {
      for (const { id, avatarSessionId, endReason } of state.records) {
        if (avatarSessionId === null || endReason === null || endReason === 'vendor_ended') continue;
        expect(stops.map(({ recordId }) => recordId)).toContain(id);
      }
    });
  });
});

describe('a sweep', () => {
  it('finds nothing to do before something is due', () => {
    inEveryStory(({ state, rules, now }, _, { name }) => {
      const draft = { rules } as Parameters<typeof hasOldPrice>[0];
      if (name === 'sweep' || state.records.some((record) => isOpen(record) && hasOldPrice(draft, record))) return;
      const justBefore = state.dueAt === null ? now : state.dueAt - 1;
      const decision = sweepAt(state, rules, justBefore);
      expect(decision.answers).toEqual([false]);
      expect(changesNothing(state, decision)).toBe(true);
    });
  });

  it('does what is due, until the next thing lies ahead', () => {
    inEveryStory(
      () => {},
      (decider) => {
        for (let passes = 0; decider.state.dueAt !== null; passes++) {
          expect(passes).toBeLessThan(200);
          const at = Math.max(decider.now, decider.state.dueAt);
          decider.now = at;
          // A session that was left alone for long goes from month to month.
          for (let months = 0; decider.state.dueAt !== null && decider.state.dueAt <= at; months++) {
            expect(decider.act('sweep', { lapsesFrom: 0 })).toBe(true);
            expect(months).toBeLessThan(5);
          }
        }
      },
    );
  });
});

function sweepAt(state: Decider['state'], rules: Decider['rules'], now: number): Decision {
  const call = { act: 'sweep', request: { lapsesFrom: 0 } } as const;
  return decide(state, [call], { rules, now, account: null, takenSessions: new Set() });
}

type Figures = Pick<LedgerEntry, 'usedSeconds' | 'usedCost' | 'heldSeconds' | 'heldCost'>;

function figuresOf({ usedSeconds, usedCost, heldSeconds, heldCost }: StoredQuota): Figures {
  return { usedSeconds, usedCost, heldSeconds, heldCost };
}

function sumOf(items: readonly Figures[]): Figures {
  return items.reduce(
    (sum, item) => ({
      usedSeconds: sum.usedSeconds + item.usedSeconds,
      usedCost: sum.usedCost + item.usedCost,
      heldSeconds: sum.heldSeconds + item.heldSeconds,
      heldCost: sum.heldCost + item.heldCost,
    }),
    { usedSeconds: 0, usedCost: 0n, heldSeconds: 0, heldCost: 0n },
  );
}

function amountsOf(record: StoredRecord): (number | bigint)[] {
  const { heldSeconds, heldCost, settledSeconds, settledCost, durationSeconds, estimatedCost, pricedCost } = record;
  return [heldSeconds, heldCost, settledSeconds, settledCost, durationSeconds, estimatedCost, pricedCost];
}

function lowest(amounts: readonly (number | bigint)[]): number {
  return Math.min(...amounts.map(Number));
}

/** What was held past the end of a record returns for these reasons. */
const AFTER_THE_END = ['stop_confirmed', 'vendor_figures', 'never_started', 'vendor_silent'];

/** Entries for these reasons do not end a record. */
function goesOn(reason: string): boolean {
  return ['period_ended', 'limit_changed', 'session_capped', ...AFTER_THE_END].includes(reason);
}

/** The quotas whose open sessions have followed a limit. */
function refitted({ quotas, events }: Decision): StoredQuota[] {
  const followed = events.filter(({ reason }) => reason === 'limit_changed').map(({ period }) => period);
  return quotas.filter(({ period }) => followed.includes(period));
}

function consumedSeconds({ countedFrom, heldSeconds }: StoredRecord, now: number): number {
  return countedFrom === null ? 0 : Math.min(Math.ceil(Math.max(now - countedFrom, 0) / 1000), heldSeconds);
}

function quotaOf({ state }: Decider, period: string): StoredQuota {
  const quota = state.quotas.find((each) => each.period === period);
  if (!quota) throw new Error(`There is no quota of ${period}`);
  return quota;
}
