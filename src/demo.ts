import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { createQuotaStore } from './database/quota-store.ts';
import { periodAt } from './domain/period.ts';
import type { QuotaPolicy } from './domain/policy.ts';
import { affordableSeconds } from './domain/price.ts';

/** 47 of 60 minutes: a session of a minute crosses 80 % before one's eyes. */
const USED_SHARE = 47 / 60;
const SESSIONS = 3;

interface DemoOptions {
  readonly pool: pg.Pool;
  readonly policy: QuotaPolicy;
  readonly userId: string;
  readonly now: Date;
}

/** Gives the demo user a month's history, once a month, through the statements that write any other. */
export async function seedDemoUser({ pool, policy, userId, now }: DemoOptions): Promise<void> {
  let time = now.getTime();
  const store = createQuotaStore({
    pool,
    policy: { ...policy, minSessionSeconds: 1, maxConcurrentSessions: SESSIONS, maxTokensPerMinute: SESSIONS },
    clock: () => new Date(time),
  });
  const { sessionCount, limitMinutes, limitCost } = await store.read(userId, periodAt(now, policy.billingTimeZone));
  if (sessionCount > 0) return;

  const limitSeconds = Math.min(limitMinutes * 60, affordableSeconds(limitCost, policy.pricePerMinute));
  const seconds = Math.min(Math.floor((limitSeconds * USED_SHARE) / SESSIONS), policy.maxSessionSeconds);
  if (seconds < 1) return;

  for (let session = 0; session < SESSIONS; session++) {
    const avatarSessionId = randomUUID();
    const sessionId = `demo-conversation-${session + 1}`;
    const recordId = randomUUID();
    time = now.getTime() - (SESSIONS - session) * seconds * 1000;
    await store.hold({
      recordId,
      userId,
      sessionId,
      avatarName: 'default',
      vendor: 'simulator',
      vendorMode: '',
      pricePerMinute: policy.pricePerMinute,
      vendorCaps: true,
    });
    await store.attach({ recordId, avatarSessionId, tokenHash: randomBytes(32) });
    await store.start({ userId, sessionId, avatarSessionId, avatarName: null });
    time += seconds * 1000;
    await store.end({
      userId,
      avatarSessionId,
      wordsSpoken: seconds * 2,
      messagesCount: Math.ceil(seconds / 30),
      errorMessage: null,
    });
  }
}
