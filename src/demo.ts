import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { createQuotaStore } from './database/quota-store.ts';
import { periodAt, periodEnd, periodStart } from './domain/period.ts';
import type { QuotaPolicy } from './domain/policy.ts';
import { affordableSeconds } from './domain/price.ts';
import type { QuotaState } from './domain/quota.ts';
import { everyThreshold } from './domain/thresholds.ts';

export const DEMO_USER = 'demo-user';
const SESSIONS = 3;
/** A token that was requested this long ago no longer counts toward `MAX_TOKENS_PER_MINUTE`. */
const MINUTE_MS = 60_000;

interface DemoOptions {
  readonly pool: pg.Pool;
  readonly policy: QuotaPolicy;
  readonly now: Date;
}

/**
 * Returns a user who is one minute of streaming away from the first warning, so that every start of the service can show
 * it: with the defaults, 47 of 60 minutes are used.
 *
 * The user of an earlier start is returned as long as nothing has happened to it in this month. Otherwise a new one takes
 * its place. What an earlier user has used, an open session included, stays as it is.
 */
export async function prepareDemoUser({ pool, policy, now }: DemoOptions): Promise<string> {
  const period = periodAt(now, policy.billingTimeZone);
  const store = createQuotaStore({ pool, policy, clock: () => now });
  const sessions = demoSessions(policy);
  const total = sessions.reduce((sum, seconds) => sum + seconds, 0);
  for (let number = 1; ; number++) {
    const userId = number === 1 ? DEMO_USER : `${DEMO_USER}-${number}`;
    const quota = await store.read(userId, period);
    if (!isUntouched(quota, policy)) continue;
    if (quota.settledSeconds === total && quota.sessionCount === sessions.length) return userId;
    if (quota.sessionCount > 0) continue;
    await seed({ pool, policy, now }, userId, sessions);
    return userId;
  }
}

function isUntouched(quota: QuotaState, policy: QuotaPolicy): boolean {
  return (
    quota.isActive &&
    quota.limitMinutes === policy.defaultLimitMinutes &&
    quota.limitCost === policy.defaultLimitCost &&
    quota.openRecords.length === 0 &&
    quota.nextTokenAt === null
  );
}

/**
 * The lengths of the sessions to have been used, in seconds: in whole minutes as far as possible, so that costs are round.
 *
 * Together they end a minute before the first threshold. Of a limit below an hour they end as much sooner as it is smaller.
 */
function demoSessions({ defaultLimitMinutes, defaultLimitCost, pricePerMinute, thresholds }: QuotaPolicy): number[] {
  const limitSeconds = Math.min(defaultLimitMinutes * 60, affordableSeconds(defaultLimitCost, pricePerMinute));
  const [threshold = 100] = everyThreshold(thresholds);
  const warningSeconds = Math.ceil((limitSeconds * threshold) / 100);
  const total = warningSeconds - Math.ceil(Math.min(warningSeconds / 48, 60));
  const usual = Math.floor(total / SESSIONS / 60) * 60;
  return [...Array(SESSIONS - 1).fill(usual), total - usual * (SESSIONS - 1)].filter((seconds) => seconds > 0);
}

/**
 * Gives a user a history through the statements that write any other. It lies within the month: in the first minutes of
 * one, a part of it is dated ahead, and a limit that takes more than a month to use up gets none.
 */
async function seed({ pool, policy, now }: DemoOptions, userId: string, sessions: readonly number[]): Promise<void> {
  const total = sessions.reduce((sum, seconds) => sum + seconds, 0);
  const period = periodAt(now, policy.billingTimeZone);
  const monthStart = periodStart(period, policy.billingTimeZone).getTime();
  if (monthStart + total * 1000 > periodEnd(period, policy.billingTimeZone).getTime()) return;
  let time = Math.max(now.getTime() - total * 1000, monthStart);
  const requestedAt = Math.max(Math.min(time, now.getTime() - MINUTE_MS), monthStart);

  for (const [index, seconds] of sessions.entries()) {
    let clock = requestedAt;
    const store = createQuotaStore({
      pool,
      policy: {
        ...policy,
        minSessionSeconds: seconds,
        maxSessionSeconds: seconds,
        maxConcurrentSessions: 1,
        maxTokensPerMinute: SESSIONS,
        // All tokens are requested before the first session starts.
        tokenTtlSeconds: total + MINUTE_MS / 1000,
      },
      clock: () => new Date(clock),
    });
    const [recordId, avatarSessionId] = [randomUUID(), randomUUID()];
    const sessionId = `demo-conversation-${index + 1}`;
    const { outcome } = await store.hold({
      recordId,
      userId,
      sessionId,
      avatarName: 'default',
      vendor: 'simulator',
      vendorMode: '',
      pricePerMinute: policy.pricePerMinute,
      vendorCaps: true,
    });
    // The account's ceiling leaves no room for a history.
    if (outcome !== 'granted') return;
    await store.attach({ recordId, userId, avatarSessionId, tokenHash: randomBytes(32) });
    clock = time;
    await store.start({ userId, sessionId, avatarSessionId, avatarName: null });
    time += seconds * 1000;
    clock = time;
    await store.end({
      userId,
      avatarSessionId,
      wordsSpoken: seconds * 2,
      messagesCount: Math.ceil(seconds / 30),
      errorMessage: null,
    });
  }
}
