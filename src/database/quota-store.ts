import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import { type Draft, findQuota, startingQuota } from '../domain/decide/draft.ts';
import { foresee } from '../domain/decide/hold.ts';
import { type BillingPeriod, periodAt } from '../domain/period.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import { createPriceBook, priceAt, pricedAs } from '../domain/price-book.ts';
import type { QuotaState } from '../domain/quota.ts';
import { nextTokenAt, quotaStateOf } from '../domain/quota-state.ts';
import type { QuotaStore } from '../domain/store.ts';
import { createBatcher } from './batcher.ts';
import { createDecisions, type Decisions } from './decisions.ts';
import { mayBeOneRow, toPublicError } from './errors.ts';
import { readPrices } from './prices.ts';
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
  const { perform, inspect, inspectSaved } = decisions;
  const recognise = createBatcher({
    run: (hashes: readonly Uint8Array[]) => recogniseTokens(pool, hashes),
    mayBeOneRequest: mayBeOneRow,
  });
  const currentPrice = createBatcher({
    async run(modes: readonly { vendor: string; vendorMode: string }[]) {
      const prices = createPriceBook(await readPrices(pool));
      const { pricePerMinute } = policy;
      return modes.map((mode) => {
        const list = prices.listFor(pricedAs(prices, policy, { ...mode, pricePerMinute }));
        return priceAt(list, clock().getTime());
      });
    },
    mayBeOneRequest: mayBeOneRow,
  });
  return {
    hold: (request) => perform(request.userId, 'hold', request),
    attach: (request) => perform(request.userId, 'attach', request),
    start: (request) => perform(request.userId, 'start', request),
    heartbeat: (request) => perform(request.userId, 'heartbeat', request),
    end: (request) => perform(request.userId, 'end', request),
    close: (request) => perform(request.userId, 'close', request),
    open: (request) => perform(request.userId, 'open', request),
    name: (named) => perform(named.userId, 'name', named),
    failStart: (failed) => perform(failed.userId, 'failStart', failed),
    confirmStart: (started) => perform(started.userId, 'confirmStart', started),
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
        return await currentPrice({ vendor, vendorMode });
      } catch (error) {
        throw toPublicError(error);
      }
    },
    readSaved: (userId, period) => inspectSaved(userId, period, (draft) => stateOf(draft, period)),
    read: (userId, period) => inspect(userId, period, (draft) => stateOf(draft, period)),
    foresee(userId, wish) {
      const period = periodAt(clock(), policy.billingTimeZone);
      return inspect(userId, period, (draft) => {
        const state = stateOf(draft, period);
        return { admission: foresee(draft, wish), state };
      });
    },
  };
}

function stateOf(draft: Draft, period: BillingPeriod): QuotaState {
  const { user, rules, now } = draft;
  const quota = findQuota(draft, period) ?? startingQuota(user, rules.policy, period);
  const retryAt = nextTokenAt(user, rules.policy.maxTokensPerMinute, now);
  return quotaStateOf(user, quota, retryAt === null ? null : new Date(retryAt));
}
