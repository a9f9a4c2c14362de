import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import type { QuotaStore } from '../domain/store.ts';
import { readAccountRoom } from './account.ts';
import { createBatcher } from './batcher.ts';
import { mayBeOneRow, toPublicError } from './errors.ts';
import { readCurrentPrices, readDearestPrices } from './prices.ts';
import { readQuotas } from './read-quotas.ts';
import {
  capSessions,
  confirmStarts,
  failStarts,
  nameSessions,
  openSessions,
  recogniseTokens,
} from './sdk-statements.ts';
import {
  attachTokens,
  beatSessions,
  changeLimits,
  closeRecords,
  endSessions,
  holdTokens,
  startSessions,
} from './statements.ts';

type Statement<Request, Result> = (
  pool: pg.Pool,
  requests: readonly Request[],
  policy: QuotaPolicy,
  now: Date,
) => Promise<readonly Result[]>;

interface QuotaStoreOptions {
  readonly pool: pg.Pool;
  readonly policy: QuotaPolicy;
  readonly clock: Clock;
}

/** The store over PostgreSQL. Calls that wait at one moment travel in one statement; calls of one user one by one. */
export function createQuotaStore({ pool, policy, clock }: QuotaStoreOptions): QuotaStore {
  function batched<Request, Result>(
    statement: Statement<Request, Result>,
    keyOf?: (request: Request) => string,
  ): (request: Request) => Promise<Result> {
    const call = createBatcher<Request, Result>({
      run: (requests) => statement(pool, requests, policy, clock()),
      mayBeOneRequest: mayBeOneRow,
      ...(keyOf && { keyOf }),
    });
    return async (request) => {
      try {
        return await call(request);
      } catch (error) {
        throw toPublicError(error);
      }
    };
  }

  const byUser = (request: { readonly userId: string }) => request.userId;
  const byRecord = (request: { readonly recordId: string }) => request.recordId;
  const read = batched(readQuotas);
  const readDearestPrice = batched(readDearestPrices);
  const readCurrentPrice = batched(readCurrentPrices);
  return {
    hold: batched(holdTokens, byUser),
    attach: batched(attachTokens, byRecord),
    start: batched(startSessions, byUser),
    heartbeat: batched(beatSessions, byUser),
    end: batched(endSessions, byUser),
    close: batched(closeRecords, byRecord),
    recognise: batched(recogniseTokens),
    open: batched(openSessions, byUser),
    name: batched(nameSessions, byRecord),
    failStart: batched(failStarts, byRecord),
    confirmStart: batched(confirmStarts, byRecord),
    cap: batched(capSessions, byRecord),
    changeLimits: batched(changeLimits, byUser),
    dearestPrice: (vendor, vendorMode) => readDearestPrice({ vendor, vendorMode }),
    currentPrice: (vendor, vendorMode) => readCurrentPrice({ vendor, vendorMode }),
    readAccount: async (period) => {
      try {
        return await readAccountRoom(pool, period, policy);
      } catch (error) {
        throw toPublicError(error);
      }
    },
    read: (userId, period) => read({ userId, period }),
  };
}
