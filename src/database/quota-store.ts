import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import type { Decision } from '../domain/decide/decide.ts';
import { startingQuota } from '../domain/decide/draft.ts';
import { foresee } from '../domain/decide/hold.ts';
import { type BillingPeriod, periodAt } from '../domain/period.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import { priceAt, pricedAs } from '../domain/price-book.ts';
import type { QuotaState } from '../domain/quota.ts';
import { nextTokenAt, quotaStateOf } from '../domain/quota-state.ts';
import { savedRecordOf } from '../domain/saved-record.ts';
import type { Instant, UserState } from '../domain/state.ts';
import type { QuotaStore, RecordOutcome, Saved, SavedOutcome } from '../domain/store.ts';
import { createBatcher } from './batcher.ts';
import { createDecisions, type Decisions } from './decisions.ts';
import { mayBeOneRow, toPublicError } from './errors.ts';
import { recogniseTokens } from './recognise-tokens.ts';

interface QuotaStoreOptions {
  readonly pool: pg.Pool;
  readonly policy: QuotaPolicy;
  readonly clock: Clock;
  /** @default decisions of its own */
  readonly decisions?: Decisions;
}

/** The store over PostgreSQL: every act is decided by the domain. */
export function createQuotaStore(options: QuotaStoreOptions): QuotaStore {
  const { pool, policy, clock, decisions = createDecisions(options) } = options;
  const { perform, performAndSee, inspect } = decisions;
  const recognise = createBatcher({
    run: (hashes: readonly Uint8Array[]) => recogniseTokens(pool, hashes),
    mayBeOneRequest: mayBeOneRow,
  });

  function savedIn({ userId, after, stops }: Decision, recordId: string): Saved {
    const record = after.records.find(({ id }) => id === recordId);
    if (!record) throw new Error(`The decision has no record ${recordId}`);
    const now = clock();
    const quota = stateOf(after, policy, periodAt(now, policy.billingTimeZone), now.getTime());
    return { record: savedRecordOf(userId, record, stops), quota };
  }

  function savedOutcome<Name extends string>({ answer, decision }: Outcome<Name>): SavedOutcome<Name> {
    if (answer.recordId === null) return { outcome: 'not_found', saved: null };
    return { outcome: answer.outcome, saved: savedIn(decision, answer.recordId) };
  }

  return {
    async hold(request) {
      const { answer, decision } = await performAndSee(request.userId, 'hold', request);
      return answer.outcome === 'reissued' ? { ...answer, saved: savedIn(decision, answer.recordId) } : answer;
    },
    async attach(request) {
      const { answer, decision } = await performAndSee(request.userId, 'attach', request);
      return answer ? savedIn(decision, request.recordId) : null;
    },
    start: async (request) => savedOutcome(await performAndSee(request.userId, 'start', request)),
    heartbeat: async (request) => savedOutcome(await performAndSee(request.userId, 'heartbeat', request)),
    end: async (request) => savedOutcome(await performAndSee(request.userId, 'end', request)),
    close: (request) => perform(request.userId, 'close', request),
    open: (request) => perform(request.userId, 'open', request),
    name: (named) => perform(named.userId, 'name', named),
    failStart: (failed) => perform(failed.userId, 'failStart', failed),
    confirmStart: (started) => perform(started.userId, 'confirmStart', started),
    confirmStop: (confirmed) => perform(confirmed.userId, 'confirmStop', confirmed),
    cap: (cap) => perform(cap.userId, 'cap', cap),
    changeLimits: (change) => perform(change.userId, 'changeLimits', change),
    async recognise(tokenHash) {
      try {
        return await recognise(tokenHash);
      } catch (error) {
        throw toPublicError(error);
      }
    },
    async currentPrice(vendor, vendorMode) {
      try {
        const prices = await decisions.prices();
        const list = prices.listFor(
          pricedAs(prices, policy, { vendor, vendorMode, pricePerMinute: policy.pricePerMinute }),
        );
        return priceAt(list, clock().getTime());
      } catch (error) {
        throw toPublicError(error);
      }
    },
    read: (userId, period) => inspect(userId, period, ({ user, now }) => stateOf(user, policy, period, now)),
    readChange: (change) =>
      decisions.inspectChange(change, ({ user, now }) => {
        const record = user.records.find(({ id }) => id === change.recordId);
        return {
          quota: stateOf(user, policy, change.period, now),
          record: record ? savedRecordOf(user.userId, record, []) : null,
        };
      }),
    foresee(userId, wish) {
      const period = periodAt(clock(), policy.billingTimeZone);
      return inspect(userId, period, (draft) => {
        const state = stateOf(draft.user, policy, period, draft.now);
        return { admission: foresee(draft, wish), state };
      });
    },
  };
}

interface Outcome<Name extends string> {
  readonly answer: RecordOutcome<Name>;
  readonly decision: Decision;
}

function stateOf(user: UserState, policy: QuotaPolicy, period: BillingPeriod, now: Instant): QuotaState {
  const quota = user.quotas.find((each) => each.period === period) ?? startingQuota(user, policy, period);
  const retryAt = nextTokenAt(user, policy.maxTokensPerMinute, now);
  return quotaStateOf(user, quota, retryAt === null ? null : new Date(retryAt));
}
