import { randomUUID } from 'node:crypto';
import { openAccount } from '../src/database/account.ts';
import { createPrisma } from '../src/database/prisma.ts';
import { createQuotaStore } from '../src/database/quota-store.ts';
import { holdTokens } from '../src/database/statements.ts';
import type { HoldRequest } from '../src/domain/store.ts';
import { DEFAULT_POLICY } from '../test/support/policy.ts';
import { type Benchmark, callsPerSecond, perSecond, ratio } from './benchmark.ts';

const CALLS = 6_000;
const AT_A_TIME = 200;

/** Admission of different users: in batches, one statement a call, and as a transaction of an ORM would do it. */
export const benchHold: Benchmark = async ({ pool }) => {
  const store = createQuotaStore({ pool, policy: DEFAULT_POLICY, clock: () => new Date() });
  const request = (user: string): HoldRequest => ({
    recordId: randomUUID(),
    userId: user,
    sessionId: randomUUID(),
    avatarName: 'default',
    vendor: 'simulator',
    vendorMode: 'FULL',
    pricePerMinute: DEFAULT_POLICY.pricePerMinute,
    vendorCaps: true,
  });
  await callsPerSecond(500, AT_A_TIME, (call) => store.hold(request(`warm-${call}`)));

  const prisma = createPrisma(pool);
  const transaction = await callsPerSecond(CALLS / 6, 10, (call) => holdInTransaction(prisma, `orm-${call}`));
  const single = await callsPerSecond(CALLS, AT_A_TIME, (call) =>
    holdTokens(pool, [request(`single-${call}`)], DEFAULT_POLICY, new Date()),
  );
  const batched = await callsPerSecond(CALLS, AT_A_TIME, (call) => store.hold(request(`batched-${call}`)));

  const policy = { ...DEFAULT_POLICY, accountLimitCost: 1_000_000_000_000n };
  await openAccount(pool, policy);
  const bounded = createQuotaStore({ pool, policy, clock: () => new Date() });
  const ceiling = await callsPerSecond(CALLS, AT_A_TIME, (call) => bounded.hold(request(`bounded-${call}`)));
  return [
    ['hold, in batches, under a ceiling of the account', perSecond(ceiling), `${ratio(ceiling, batched)} without one`],
    ['hold, in batches', perSecond(batched), `${ratio(batched, single)} one statement a call`],
    ['hold, one statement a call', perSecond(single), `${ratio(single, transaction)} a transaction of Prisma`],
    ['a transaction of Prisma: lock, read, insert, update', perSecond(transaction), 'the floor; decides less'],
  ];
};

/** What a service without set-based statements does: four round trips under the lock, no superseding, no ledger. */
async function holdInTransaction(prisma: ReturnType<typeof createPrisma>, userId: string): Promise<void> {
  const currentMonth = new Date().toISOString().slice(0, 7);
  await prisma.$transaction(async (tx) => {
    await tx.usageQuota.createMany({ data: [{ userId, currentMonth }], skipDuplicates: true });
    await tx.$queryRaw`SELECT id FROM usage_quotas WHERE user_id = ${userId} FOR UPDATE`;
    const quota = await tx.usageQuota.findUniqueOrThrow({ where: { userId_currentMonth: { userId, currentMonth } } });
    const expiresAt = new Date(Date.now() + 300_000);
    await tx.usageRecord.create({
      data: {
        userId,
        sessionId: randomUUID(),
        billingPeriod: currentMonth,
        quotaPeriod: currentMonth,
        heldSeconds: 1800,
        heldCost: 15,
        expiresAt,
        dueAt: expiresAt,
      },
    });
    await tx.usageQuota.update({
      where: { id: quota.id },
      data: { heldSeconds: { increment: 1800 }, heldCost: { increment: 15 }, version: { increment: 1 } },
    });
  });
}
