import { randomUUID } from 'node:crypto';
import { calendarOf } from '../src/database/decision-rules.ts';
import { type Call, decide } from '../src/domain/decide/decide.ts';
import type { Rules } from '../src/domain/decide/draft.ts';
import { createPriceBook } from '../src/domain/price-book.ts';
import type { UserState } from '../src/domain/state.ts';
import { DEFAULT_POLICY } from '../test/support/policy.ts';
import { type Benchmark, perSecond } from './benchmark.ts';

const CYCLES = 50_000;
/** Not measured: V8 compiles the rules meanwhile. A service that has run for some seconds has them compiled. */
const WARM_UP_CYCLES = 20_000;

/** Decisions alone, without a database: a session's whole life, four acts, again and again. */
export const benchDecide: Benchmark = async () => {
  const rules: Rules = {
    policy: { ...DEFAULT_POLICY, maxTokensPerMinute: CYCLES },
    thresholds: [80, 100],
    lapseSeconds: 90,
    prices: createPriceBook([]),
    ...calendarOf('UTC'),
  };
  const now = Date.now();
  const state: UserState = { userId: 'ann', revision: 1, dueAt: null, quotas: [], records: [], recentTokens: [] };
  for (let cycle = 0; cycle < WARM_UP_CYCLES; cycle++) live(state, rules, now);
  const start = performance.now();
  for (let cycle = 0; cycle < CYCLES; cycle++) live(state, rules, now + cycle);
  return [['acts', perSecond((CYCLES * 4) / ((performance.now() - start) / 1000)), 'one user after the other']];
};

function live(state: UserState, rules: Rules, now: number): void {
  const recordId = randomUUID();
  const userId = 'ann';
  const avatarSessionId = `stream-${recordId}`;
  const perform = (user: UserState, call: Call) =>
    decide(user, [call], { rules, now, account: null, takenSessions: new Set() }).after;
  const request = { vendor: 'simulator', vendorMode: 'FULL', pricePerMinute: 500_000n, vendorCaps: true };
  const held = perform(state, {
    act: 'hold',
    request: { ...request, recordId, userId, sessionId: 'chat', avatarName: 'default' },
  });
  const attached = perform(held, {
    act: 'attach',
    request: { recordId, userId, avatarSessionId, tokenHash: new Uint8Array(32) },
  });
  const started = perform(attached, {
    act: 'start',
    request: { userId, sessionId: 'chat', avatarSessionId, avatarName: null },
  });
  perform(started, {
    act: 'end',
    request: { userId, avatarSessionId, wordsSpoken: null, messagesCount: null, errorMessage: null },
  });
}
