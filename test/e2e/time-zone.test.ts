import { expect, it } from 'vitest';
import { createTestClock } from '../support/clock.ts';
import { CREATE_TOKEN, type RecordData, TRACK_END, TRACK_HEARTBEAT, TRACK_START } from '../support/operations.ts';
import { post, startTestService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

const EVERYTHING = `query ($period: BillingPeriod) {
  quota(period: $period) {
    period limitMinutes usedSeconds usedMinutes usedCost heldSeconds heldCost remainingSeconds remainingCost
    availableSeconds percentUsed warning { level limit thresholdPercent percentUsed crossedAt message } nextWarningAt
    sessionCount openSessions { id } isActive resetsAt version serverTime
  }
  usageHistory(filter: { from: "2026-11-01T00:00:00Z", to: "2026-11-01T06:00:00Z" }) {
    edges {
      cursor
      node {
        id status endReason startedAt endedAt durationSeconds estimatedCost billingPeriod expiresAt createdAt updatedAt
      }
    }
  }
  usageSummary(period: $period) { sessionCount totalSeconds totalCost byDay { date sessionCount totalSeconds totalCost } }
}`;

it.each(['UTC', 'Europe/Berlin'])(
  'the database’s time zone changes no answer when months are billed in %s',
  async (zone) => {
    expect(await script('America/New_York', zone)).toEqual(await script('UTC', zone));
  },
);

/**
 * A session from the first night of November, in which New York's clocks go back by an hour; its evening before is
 * October. What is random is left out of the answers.
 */
async function script(timeZone: string, billingTimeZone: string): Promise<unknown[]> {
  const clock = createTestClock('2026-11-01T02:30:00.500Z');
  const settings = {
    BILLING_TIME_ZONE: billingTimeZone,
    DEFAULT_MONTHLY_LIMIT_COST: '1',
    PRICE_PER_MINUTE: '0.1',
    HEARTBEAT_SECONDS: '3600',
  };
  await using service = await startTestService(settings, { timeZone, clock: clock.now });
  const token = await service.token('ann', 86_400);
  const answers: string[] = [];
  const run = async (query: string, variables: Record<string, unknown>) => {
    const { status, body } = await post(service, token, query, variables);
    expect(status).toBe(200);
    answers.push(JSON.stringify(body));
    return body.data as Record<string, { record: RecordData }>;
  };

  await run(EVERYTHING, {});
  const { createToken } = await run(CREATE_TOKEN, { input: { sessionId: 'chat' } });
  const { avatarSessionId } = createToken?.record ?? {};
  await run(TRACK_START, { input: { sessionId: 'chat', avatarSessionId } });
  clock.set('2026-11-01T02:33:20.750Z');
  await run(TRACK_HEARTBEAT, { input: { avatarSessionId, wordsSpoken: 7 } });
  await run(EVERYTHING, { period: '2026-11' });
  clock.set('2026-11-01T02:38:30.750Z');
  await run(EVERYTHING, { period: '2026-11' });
  await run(TRACK_END, { input: { avatarSessionId, messagesCount: 2 } });
  await waitFor(async () => {
    const [stop] = await service.database.query('SELECT confirmed_at FROM vendor_stops');
    return stop?.confirmed_at != null;
  });
  clock.set('2026-11-01T06:30:00.000Z');
  await run(CREATE_TOKEN, { input: { sessionId: 'chat' } });
  await run(EVERYTHING, { period: '2026-11' });
  await run(EVERYTHING, { period: '2026-10' });
  expect(answers.at(-2)).toContain('"period":"2026-11"');
  return answers.map((answer) => JSON.parse(answer, withoutChance));
}

/** Random values, and what depends on whether the sweeper and the vendor were faster than the next call. */
const CHANCE = ['id', 'cursor', 'avatarSessionId', 'token', 'stopPending', 'crossedAt'];

function withoutChance(key: string, value: unknown): unknown {
  return CHANCE.includes(key) ? typeof value : value;
}
