import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../../src/server/http.ts';
import { openBrowser } from '../support/chromium.ts';
import { createTestClock } from '../support/clock.ts';
import { visitAsOriginalFrontend } from '../support/original-frontend.ts';
import { conversation, startTestService, type TestService } from '../support/service.ts';

const INSTANT_OR_MONTH = expect.stringMatching(/^\d{4}-\d\d(-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)?$/);

let service: TestService;
let page: Awaited<ReturnType<typeof servePage>>;

beforeAll(async () => {
  page = await servePage();
  // a millisecond passes with each reading, so that no second does, however busy the machine is
  const clock = createTestClock();
  const tick = () => {
    clock.advance(0.001);
    return clock.now();
  };
  service = await startTestService({ CORS_ORIGINS: page.origin }, { clock: tick });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  page.close();
});

async function visitor(userId: string) {
  return {
    apiUrl: service.url,
    vendorUrl: service.simulator.url,
    token: await service.token(userId),
    userId,
    sessionId: conversation(),
  };
}

describe('the original frontend', () => {
  it('runs unchanged', async () => {
    const visit = await visitor('ann');
    expectWholeVisit(visit, await visitAsOriginalFrontend(visit));
  });

  it('runs unchanged in a page of another origin', async (test) => {
    await using browser = await openBrowser(test);
    const window = await browser.context.newPage();
    await window.goto(page.origin);
    const visit = await visitor('bob');
    expectWholeVisit(visit, await window.evaluate(visitAsOriginalFrontend, visit));
  });

  it('cannot run in a page of an origin that is not configured', async (test) => {
    await using browser = await openBrowser(test);
    const window = await browser.context.newPage();
    await window.goto(page.origin.replace('127.0.0.1', 'localhost'));
    await expect(window.evaluate(visitAsOriginalFrontend, await visitor('bob'))).rejects.toThrow('Failed to fetch');
  });
});

/** Checks what a visit has seen, field by field. */
function expectWholeVisit(
  { userId, sessionId }: Awaited<ReturnType<typeof visitor>>,
  visit: Awaited<ReturnType<typeof visitAsOriginalFrontend>>,
) {
  const quota = {
    monthly_limit_minutes: 60,
    used_minutes: 0,
    remaining_minutes: 60,
    monthly_limit_cost: 50,
    used_cost: 0,
    remaining_cost: 50,
    percent_used: 0,
    warning: null,
    current_month: INSTANT_OR_MONTH,
    resets_at: INSTANT_OR_MONTH,
  };
  const seconds = visit.ended.record.duration_seconds;
  const cost = visit.ended.record.estimated_cost;
  const used = {
    ...quota,
    used_minutes: Math.round((seconds / 60) * 10_000) / 10_000,
    remaining_minutes: Math.round((60 - seconds / 60) * 10_000) / 10_000,
    used_cost: cost,
    remaining_cost: 50 - cost,
    percent_used: expect.any(Number),
  };
  const record = {
    id: expect.any(String),
    user_id: userId,
    session_id: sessionId,
    avatar_session_id: visit.avatarSessionId,
    avatar_name: 'anna',
    vendor: 'liveavatar',
    status: 'active',
    end_reason: null,
    session_started_at: INSTANT_OR_MONTH,
    session_ended_at: null,
    duration_seconds: 0,
    words_spoken: 0,
    messages_count: 0,
    estimated_cost: expect.any(Number),
    actual_seconds: null,
    actual_cost: null,
    vendor_end_reason: null,
    billing_period: INSTANT_OR_MONTH,
    max_duration_seconds: 1800,
    expires_at: INSTANT_OR_MONTH,
    error_message: null,
    created_at: INSTANT_OR_MONTH,
    updated_at: INSTANT_OR_MONTH,
  };
  const ended = {
    ...record,
    status: 'completed',
    end_reason: 'user_ended',
    session_ended_at: INSTANT_OR_MONTH,
    duration_seconds: seconds,
    words_spoken: 120,
    messages_count: 4,
    estimated_cost: cost,
    expires_at: null,
  };
  const totals = { session_count: 1, total_seconds: seconds, total_cost: cost };

  expect(seconds).toBeGreaterThanOrEqual(1);
  expect(visit).toEqual({
    permission: { allowed: true, reason: null, message: 'A session of up to 1800 seconds can start.' },
    created: {
      success: true,
      token: expect.any(String),
      message: 'The session can run for up to 1800 seconds.',
      usage_tracking: true,
      tracking_info: { user_id: userId, session_id: sessionId },
      avatar_session_id: visit.avatarSessionId,
      max_duration_seconds: 1800,
      quota,
    },
    avatarSessionId: expect.any(String),
    started: { success: true, record },
    ended: { success: true, record: ended, quota: used },
    quota: used,
    summary: {
      period: visit.quota.current_month,
      currency: 'USD',
      ...totals,
      completed_count: 1,
      error_count: 0,
      success_rate: 1,
      words_spoken: 120,
      messages_count: 4,
      average_session_seconds: seconds,
      by_avatar: [{ avatar_name: 'anna', ...totals }],
      by_day: [{ date: visit.ended.record.session_started_at.slice(0, 10), ...totals }],
    },
    history: { items: [ended], next_cursor: null },
    banner: expect.stringMatching(/^0\.\d of 60 minutes, \$49\.\d\d left$/),
    bar: expect.any(Number),
  });
}

/** An empty page on a port of its own. */
async function servePage() {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>The app</title>');
  });
  const port = await listen(server, 0, '127.0.0.1');
  return { origin: `http://127.0.0.1:${port}`, close: () => server.close() };
}
