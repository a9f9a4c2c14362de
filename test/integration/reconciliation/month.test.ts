import { expect, it } from 'vitest';
import { formatReport } from '../../../scripts/reconciliation-report.ts';
import { deliverStops } from '../../../src/app/deliver-stops.ts';
import { auditBooks } from '../../../src/database/audit.ts';
import { createPrisma } from '../../../src/database/prisma.ts';
import { readReconciliationReport } from '../../../src/database/reconciliation-report.ts';
import { createUsageReader } from '../../../src/database/usage-summary.ts';
import { formatMoney, parseMoney } from '../../../src/domain/money.ts';
import { dueWork, sweepAll } from '../../support/due-work.ts';
import { createRandom } from '../../support/random.ts';
import { createVendorBooks, type VendorBooks, type VendorToken } from '../../support/vendor-books.ts';

// A month at a vendor that bills by the minute, $0.10 a credit, with everything that goes wrong in one: its bill and our
// books say the same at the end, and every difference has its reason.

const NOVEMBER = '2026-11';
const SESSIONS = 300;
/** Two hours: with what the sessions take themselves, 300 of them make four weeks. */
const BETWEEN_SECONDS = 7_200;
const EVERY: readonly (readonly [of: number, act: Act])[] = [
  [100, loseTheEnd],
  [50, reportWithoutStreaming],
  [40, leaveUnused],
  [25, useVoidedToken],
  [20, streamEmbedded],
  [15, vanishAndReportLate],
  [12, streamUnreported],
  [10, stopTooLate],
];

type Act = (month: Month, userId: string) => Promise<void>;
interface Month {
  readonly test: VendorBooks;
  /** A whole number between the two, both included. */
  readonly between: (least: number, most: number) => number;
}

it('our books equal the vendor’s bill to the last millionth, and each difference is named', async () => {
  const limits = { defaultLimitMinutes: 100_000, defaultLimitCost: parseMoney('100000') };
  await using test = await createVendorBooks({ ...limits, maxTokensPerMinute: 1000 });
  await test.database.query(`INSERT INTO prices VALUES
    ('simulator', 'FULL', 'USD', '2026-10-01Z', 0.20, 60, 60), ('simulator', 'LITE', 'USD', '2026-10-01Z', 0.10, 60, 60)`);
  test.clock.set('2026-11-01T00:10:00Z');
  const random = createRandom(4);
  const month: Month = { test, between: (least, most) => least + Math.floor(random() * (most - least + 1)) };

  for (let session = 1; session <= SESSIONS; session += 1) {
    const [, act] = EVERY.find(([of]) => session % of === 0) ?? [1, stream];
    await act(month, `user-${session % 7}`);
    await doWhatIsDue(test);
    if (session % 5 === 0) await test.reconcile();
    test.clock.advance(BETWEEN_SECONDS - month.between(0, 999) / 1000);
    await doWhatIsDue(test);
  }
  test.clock.set('2026-11-30T23:00:00Z');
  await test.reconcile({}, 'months');

  // 1. the totals
  const bill = (parseMoney(test.simulator.creditsConsumed()) * parseMoney('0.10')) / parseMoney('1');
  const report = await readReconciliationReport(test.pool, createPrisma(test.pool), NOVEMBER);
  const used = await sumOf(test, `SELECT sum(used_cost) FROM usage_quotas WHERE current_month = '${NOVEMBER}'`);
  const past = await sumOf(test, 'SELECT sum(cost) FROM unattributed_sessions');
  expect(formatMoney(used + past)).toBe(formatMoney(bill));
  const text = formatReport(report, 'USD');
  expect(text.split('\n').at(-1)).toBe(
    `The vendor bills ${formatMoney(bill)} USD: ${formatMoney(used)} USD for sessions of this service, ${formatMoney(past)} USD unattributed.`,
  );
  expect(await auditBooks(test.pool)).toEqual([]);
  const usage = createUsageReader({
    pool: test.pool,
    billingTimeZone: 'UTC',
    clock: test.clock.now,
  });
  for (let user = 0; user < 7; user += 1) {
    const { settledSeconds, settledCost } = await test.store.read(`user-${user}`, NOVEMBER);
    const { totalSeconds, totalCost } = await usage.summary(`user-${user}`, NOVEMBER);
    expect({ totalSeconds, totalCost }).toEqual({ totalSeconds: settledSeconds, totalCost: settledCost });
  }

  // 2. every difference, and nothing else
  const rows = await test.database.query<{ id: string; differs: boolean }>(
    `SELECT id, (actual_seconds, actual_cost) <> (duration_seconds, estimated_cost) AS differs
    FROM avatar_usage_records WHERE reconciled_at IS NOT NULL`,
  );
  const differing = rows.filter((row) => row.differs).map((row) => row.id);
  expect(report.differences.map((difference) => difference.recordId).sort()).toEqual(differing.sort());
  expect(new Set(report.differences.map((difference) => difference.reason))).toEqual(
    new Set(['unreported_use', 'never_started', 'ended_sooner', 'ran_longer', 'vendor_figures']),
  );
  expect(report.groups.map((group) => [group.avatarName, group.notCompared])).toEqual([
    ['anna', 0],
    ['default', 0],
  ]);
  const embeds = test.simulator.sessions().filter((session) => session.source === 'EMBED');
  expect(report.unattributed.map((session) => session.avatarSessionId)).toEqual(embeds.map((session) => session.id));

  // 3. nothing is left to do
  await test.reconcile({}, 'months');
  expect(await readReconciliationReport(test.pool, createPrisma(test.pool), NOVEMBER)).toEqual(report);
}, 120_000);

/** What everything should be like. */
async function stream({ test, between }: Month, userId: string): Promise<void> {
  const session = await test.startSession(userId, between(0, 2) === 0 ? 'anna' : 'default');
  await watch(test, session, between(1, 900_000));
  await test.stopAtVendor(session);
  await test.reportEnd(session);
}

/** The page is closed and says nothing to anybody. */
async function loseTheEnd({ test, between }: Month, userId: string): Promise<void> {
  const session = await test.startSession(userId);
  await watch(test, session, between(1, 600_000));
  test.simulator.vanish(session.avatarSessionId);
  test.clock.advance(between(300, 1800));
}

/** The network is gone for minutes: the vendor reaps the session before the page reports its end. */
async function vanishAndReportLate({ test, between }: Month, userId: string): Promise<void> {
  const session = await test.startSession(userId);
  await watch(test, session, between(1, 600_000));
  test.simulator.vanish(session.avatarSessionId);
  test.clock.advance(211 + between(0, 600));
  await test.reportEnd(session);
}

/** The page reports the end, but streams on for a while; our stop reaches the vendor late. */
async function stopTooLate({ test, between }: Month, userId: string): Promise<void> {
  const session = await test.startSession(userId);
  await watch(test, session, between(1, 200_000));
  await test.reportEnd(session);
  test.clock.advance(between(2, 90));
}

/** The page streams and reports nothing. */
async function streamUnreported({ test, between }: Month, userId: string): Promise<void> {
  const token = await test.createToken(userId);
  test.clock.advance(between(0, 20));
  await test.startAtVendor(token);
  await watch(test, token, between(1, 500_000));
  if (between(0, 1) === 0) await test.reconcile();
  await test.stopAtVendor(token);
}

/** The token has expired here, and is used all the same. */
async function useVoidedToken({ test, between }: Month, userId: string): Promise<void> {
  const token = await test.createToken(userId);
  test.clock.advance(301);
  await sweepAll(test);
  await test.startAtVendor(token);
  await watch(test, token, between(1, 200_000));
  await test.stopAtVendor(token);
}

async function leaveUnused({ test }: Month, userId: string): Promise<void> {
  await test.createToken(userId);
}

/** The page reports a session that it never started at the vendor. */
async function reportWithoutStreaming({ test, between }: Month, userId: string): Promise<void> {
  const token = await test.createToken(userId);
  await test.reportStart(token);
  test.clock.advance(between(1, 200));
  await test.reportEnd(token);
}

/** A page that the vendor itself serves; nobody stops it, and it is idle in the end. */
async function streamEmbedded({ test, between }: Month): Promise<void> {
  test.simulator.embed(between(0, 1) === 0 ? 'FULL' : 'LITE');
  test.clock.advance(between(1, 400));
}

/** Time passes, in milliseconds, with the page there: the vendor hears of it every four minutes. */
async function watch(test: VendorBooks, token: VendorToken, milliseconds: number): Promise<void> {
  let left = milliseconds / 1000;
  for (; left > 240; left -= 240) {
    test.clock.advance(240);
    await test.keepAliveAtVendor(token);
  }
  test.clock.advance(left);
}

async function doWhatIsDue(test: VendorBooks): Promise<void> {
  await sweepAll(test);
  await deliverStops(
    {
      work: dueWork(test),
      store: test.store,
      vendor: test.vendor,
      expectsFigures: true,
      clock: test.clock.now,
    },
    'due',
  );
}

async function sumOf(test: VendorBooks, query: string): Promise<bigint> {
  const [row] = await test.database.query<{ sum: string }>(query);
  return parseMoney(row?.sum ?? '0');
}
