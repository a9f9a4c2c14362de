import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createToken, endSession, runSession, startSession } from '../support/operations.ts';
import { call, get } from '../support/rest.ts';
import { conversation, post, startTestService, type TestService } from '../support/service.ts';
import { MINT } from '../support/vendor-calls.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ MAX_TOKENS_PER_MINUTE: '3' });
});
afterAll(() => service[Symbol.asyncDispose]());

describe('a refusal is an answer', () => {
  it('when the quota does not cover another session', async () => {
    const token = await service.token('carol');
    await limitMinutes('carol', 0);
    const { resets_at, ...quota } = (await get(service, token, 'usage/quota')).body;
    const message = /^Your plan includes no minutes this month\. Your quota resets on \d{4}-\d{2}-01\.$/;

    expect(await create(token)).toEqual({
      status: 200,
      body: {
        success: false,
        message: expect.stringMatching(message),
        code: 'QUOTA_EXCEEDED',
        limit: 'minutes',
        resets_at,
        retry_after_seconds: null,
        fallback: 'static_avatar',
        quota: { ...quota, resets_at, warning: { ...quota.warning, crossed_at: expect.any(String) } },
      },
    });
    expect((await get(service, token, 'usage/can-create-session')).body).toEqual({
      allowed: false,
      reason: 'QUOTA_EXCEEDED',
      message: expect.stringMatching(message),
    });
    expect(quota).toMatchObject({
      percent_used: 100,
      warning: {
        level: 'limit_reached',
        limit: 'minutes',
        threshold_percent: 100,
        percent_used: 100,
        crossed_at: expect.any(String),
        message: 'Your plan includes no minutes this month.',
      },
    });
  });

  it('when sessions that run leave no place for another one', async () => {
    const token = await service.token('dave');
    const { avatarSessionId } = await startSession(service, token);
    expect(await create(token)).toEqual({
      status: 200,
      body: {
        success: false,
        message: expect.stringMatching(/\w/),
        code: 'CONCURRENCY_LIMIT',
        max_concurrent_sessions: 1,
        retry_after_seconds: null,
        open_sessions: [expect.objectContaining({ avatar_session_id: avatarSessionId, status: 'active' })],
      },
    });
  });

  it('when the vendor gives no token, and the quota is as it was', async () => {
    const token = await service.token('erin');
    service.simulator.failNext({ path: '/v1/sessions/token', status: 503 });
    expect(await create(token)).toEqual({
      status: 200,
      body: {
        success: false,
        message: expect.stringMatching(/static avatar/),
        code: 'VENDOR_UNAVAILABLE',
        retry_after_seconds: 10,
        fallback: 'static_avatar',
      },
    });
  });

  it('when the session has ended', async () => {
    const token = await service.token('frank');
    const { sessionId, avatarSessionId } = await startSession(service, token);
    await endSession(service, token, avatarSessionId);
    const start = { session_id: sessionId, avatar_session_id: avatarSessionId };
    expect(await call(service, token, 'tokens/track-start', start)).toMatchObject({
      status: 200,
      body: {
        success: false,
        code: 'SESSION_ENDED',
        record: { status: 'completed', avatar_session_id: avatarSessionId },
      },
    });
    expect(await call(service, token, 'tokens/track-end', start)).toMatchObject({
      status: 200,
      body: { success: true, record: { status: 'completed' } },
    });
  });
});

it('a request beyond the token rate is refused with the time to wait', async () => {
  const token = await service.token('grace');
  for (let issued = 0; issued < 3; issued++) await runSession(service, token);
  const { status, headers, body } = await call(service, token, 'tokens/create', { session_id: 'chat' });
  expect({ status, body }).toEqual({
    status: 429,
    body: {
      success: false,
      message: expect.stringMatching(/^You can request at most 3 tokens per minute\. Retry in /),
      code: 'LIMIT_EXCEEDED',
      retry_after_seconds: expect.any(Number),
    },
  });
  expect(headers.get('retry-after')).toBe(String(body.retry_after_seconds));
});

it('a token of a session that ends with an error shows it in the record', async () => {
  const token = await service.token('heidi');
  const { avatarSessionId } = await startSession(service, token);
  const end = { avatar_session_id: avatarSessionId, error_message: 'the tab crashed' };
  expect((await call(service, token, 'tokens/track-end', end)).body).toMatchObject({
    success: true,
    record: { status: 'error', end_reason: 'client_error', error_message: 'the tab crashed' },
  });
});

it('the message of a failing vendor is not passed on', async () => {
  const token = await service.token('karl');
  service.simulator.failNext({ path: MINT, status: 500, body: 'Bad Gateway at vendor-proxy-7.internal' });
  await call(service, token, 'tokens/create', { session_id: 'chat' });
  expect((await get(service, token, 'usage/history')).body).toMatchObject({
    items: [
      { status: 'error', end_reason: 'vendor_error', error_message: expect.stringMatching(/^The avatar service did/) },
    ],
  });
});

it('a session is started for nobody but the caller', async () => {
  const token = await service.token('ivan');
  const { avatarSessionId, sessionId } = (await createToken(service, token)).record;
  const start = { avatar_session_id: avatarSessionId, session_id: sessionId };
  expect(await call(service, token, 'tokens/track-start', { ...start, user_id: 'ann' })).toMatchObject({
    status: 403,
    body: { success: false, message: expect.any(String), code: 'FORBIDDEN' },
  });
  for (const user_id of ['ivan', null, undefined]) {
    expect(await call(service, token, 'tokens/track-start', { ...start, user_id })).toMatchObject({
      status: 200,
      body: { success: true, record: { status: 'active', user_id: 'ivan' } },
    });
  }
});

it('the history is walked page by page, in a month or in all', async () => {
  const token = await service.token('judy');
  const before: string[] = [];
  for (let count = 0; count < 3; count++) before.unshift((await runSession(service, token)).avatarSessionId);
  const walk = async (query: string) => {
    const pages: string[][] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body } = await get(service, token, `usage/history?limit=2&cursor=${cursor}${query}`);
      pages.push(body.items.map((item: { avatar_session_id: string }) => item.avatar_session_id));
      cursor = body.next_cursor;
    }
    return pages;
  };
  const pages = [before.slice(0, 2), before.slice(2)];
  expect(await walk('')).toEqual(pages);
  const { current_month } = (await get(service, token, 'usage/quota')).body;
  expect(await walk(`&period=${current_month}`)).toEqual(pages);
  expect(await walk('&period=2001-01')).toEqual([[]]);
});

it('the vendor’s own figures stand beside the estimate, here as in the graph', async () => {
  const token = await service.token('mallory');
  await runSession(service, token);
  const setActual = (figures: string) =>
    service.database.query(`UPDATE avatar_usage_records SET ${figures} WHERE user_id = 'mallory'`);
  await setActual(`actual_seconds = 61, actual_cost = 0.203333, vendor_end_reason = 'USER_CLOSED'`);

  const graph = '{ usageHistory { edges { node { actualSeconds actualCost vendorEndReason } } } }';
  expect((await post(service, token, graph)).body.data).toEqual({
    usageHistory: { edges: [{ node: { actualSeconds: 61, actualCost: '0.203333', vendorEndReason: 'USER_CLOSED' } }] },
  });
  expect((await get(service, token, 'usage/history')).body.items).toMatchObject([
    { actual_seconds: 61, actual_cost: 0.203333, vendor_end_reason: 'USER_CLOSED' },
  ]);
  expect((await get(service, token, 'usage/summary')).body).toMatchObject({ total_seconds: 61, total_cost: 0.203333 });
  // they were not booked
  await setActual('actual_seconds = NULL, actual_cost = NULL, vendor_end_reason = NULL');
});

function create(token: string) {
  return call(service, token, 'tokens/create', { session_id: conversation() }).then(({ status, body }) => ({
    status,
    body,
  }));
}

async function limitMinutes(userId: string, minutes: number): Promise<void> {
  await service.database.query(
    `INSERT INTO usage_quotas (user_id, current_month, monthly_limit_minutes)
    VALUES ($1, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM'), $2)`,
    [userId, minutes],
  );
}
