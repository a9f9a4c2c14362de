import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  CanCreateSessionDocument,
  CreateTokenDocument,
  QuotaDocument,
  QuotaUpdatedDocument,
  type QuotaUpdatedSubscription,
  TrackEndDocument,
  TrackHeartbeatDocument,
  TrackStartDocument,
  UsageHistoryDocument,
  UsageSummaryDocument,
} from '../../src/client/generated/documents.ts';
import { openApollo } from '../support/clients.ts';
import { Inbox } from '../support/inbox.ts';
import { createToken, runSession, startSession } from '../support/operations.ts';
import { conversation, startTestService, type TestService } from '../support/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ MAX_TOKENS_PER_MINUTE: '4' });
});
afterAll(() => service[Symbol.asyncDispose]());

it('a refusal of createToken arrives in Apollo Client with its message and code', async () => {
  const token = await service.token('ann');
  await using apollo = openApollo(service, token);
  const running = await startSession(service, token);

  const { data } = await apollo.client.mutate({
    mutation: CreateTokenDocument,
    variables: { input: { sessionId: conversation() } },
  });
  const refusal = {
    __typename: 'ConcurrencyLimitError',
    code: 'CONCURRENCY_LIMIT',
    message: 'You already have an open session. End it before you start another one.',
    maxConcurrentSessions: 1,
    openSessions: [expect.objectContaining({ id: running.id, avatarSessionId: running.avatarSessionId })],
  };
  expect(data?.createToken).toEqual(refusal);

  const permission = await apollo.client.query({ query: CanCreateSessionDocument });
  expect(permission.data?.canCreateSession).toEqual({
    __typename: 'SessionPermission',
    allowed: false,
    reason: refusal.code,
    message: refusal.message,
    refusal,
    fallback: 'STATIC_AVATAR',
    maxDurationSeconds: 0,
  });
});

it('the other refusals arrive in Apollo Client with their codes', async () => {
  const token = await service.token('bob');
  await using apollo = openApollo(service, token);
  const { record } = await createToken(service, token);
  const input = { sessionId: record.sessionId, avatarSessionId: record.avatarSessionId };

  const unknown = { sessionId: conversation(), avatarSessionId: conversation() };
  const notFound = await apollo.client.mutate({ mutation: TrackStartDocument, variables: { input: unknown } });
  expect(notFound.data?.trackStart).toMatchObject({ __typename: 'SessionNotFoundError', code: 'SESSION_NOT_FOUND' });

  const { avatarSessionId } = input;
  await apollo.client.mutate({ mutation: TrackEndDocument, variables: { input: { avatarSessionId } } });
  const ended = await apollo.client.mutate({ mutation: TrackStartDocument, variables: { input } });
  expect(ended.data?.trackStart).toMatchObject({
    __typename: 'SessionEndedError',
    code: 'SESSION_ENDED',
    message: expect.any(String),
    record: { id: record.id, endReason: 'USER_ENDED' },
  });

  await service.database.query(`UPDATE usage_quotas SET monthly_limit_minutes = 0 WHERE user_id = 'bob'`);
  const variables = { sessionId: conversation() };
  const refused = await apollo.client.mutate({ mutation: CreateTokenDocument, variables: { input: variables } });
  const permission = await apollo.client.query({ query: CanCreateSessionDocument, variables });
  expect(refused.data?.createToken).toMatchObject({ __typename: 'QuotaExceededError', limit: 'MINUTES' });
  expect(permission.data?.canCreateSession.refusal).toEqual(refused.data?.createToken);
});

it('for the token rate, canCreateSession gives a reason and no refusal', async () => {
  const token = await service.token('carol');
  await using apollo = openApollo(service, token);
  for (let issued = 0; issued < 4; issued++) await runSession(service, token);
  const { data } = await apollo.client.query({ query: CanCreateSessionDocument });
  expect(data?.canCreateSession).toMatchObject({
    allowed: false,
    reason: 'TOKEN_RATE_LIMITED',
    refusal: null,
    message: expect.stringMatching(/^You can request at most 4 tokens per minute\. Retry in \d/),
  });
});

it('every typed document is answered within the limits of a document', async () => {
  const token = await service.token('dave');
  await using apollo = openApollo(service, token);
  const { client } = apollo;
  const sessionId = conversation();
  const created = await client.mutate({ mutation: CreateTokenDocument, variables: { input: { sessionId } } });
  if (created.data?.createToken.__typename !== 'CreateTokenSuccess') throw new Error(JSON.stringify(created));
  const avatarSessionId = created.data.createToken.record.avatarSessionId ?? '';

  const inbox = new Inbox<QuotaUpdatedSubscription['quotaUpdated']>();
  const subscription = client.subscribe({ query: QuotaUpdatedDocument, variables: { avatarSessionId } }).subscribe({
    next: ({ data, error }) => (data ? inbox.deliver(data.quotaUpdated) : inbox.end(error)),
    error: (error) => inbox.end(error),
  });
  expect(await inbox.take(1)).toMatchObject([{ reason: 'SNAPSHOT', quota: { openSessions: [{ avatarSessionId }] } }]);

  const start = { input: { sessionId, avatarSessionId } };
  const started = await client.mutate({ mutation: TrackStartDocument, variables: start });
  expect(started.data?.trackStart.__typename).toBe('TrackStartSuccess');
  const beat = await client.mutate({ mutation: TrackHeartbeatDocument, variables: { input: { avatarSessionId } } });
  expect(beat.data?.trackHeartbeat.__typename).toBe('TrackHeartbeatSuccess');
  const ended = await client.mutate({ mutation: TrackEndDocument, variables: { input: { avatarSessionId } } });
  expect(ended.data?.trackEnd.__typename).toBe('TrackEndSuccess');
  subscription.unsubscribe();

  const { data } = await client.query({ query: QuotaDocument });
  expect(data?.quota).toMatchObject({ currency: 'USD', pricePerMinute: '0.50', warningThresholds: [80] });
  const history = await client.query({ query: UsageHistoryDocument });
  expect(history.data?.usageHistory.nodes).toMatchObject([{ avatarSessionId, status: 'COMPLETED' }]);
  const summary = await client.query({ query: UsageSummaryDocument });
  expect(summary.data?.usageSummary).toMatchObject({ currency: 'USD', sessionCount: 1 });
});
