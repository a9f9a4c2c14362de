import { callSdk } from './sdk-calls.ts';
import { conversation, post, type TestService } from './service.ts';
import { waitFor } from './wait-for.ts';

/** The documents that the tests send, and acts made of them. */

const RECORD = `
  id status endReason sessionId avatarSessionId startedAt endedAt expiresAt durationSeconds stopPending
  wordsSpoken messagesCount`;

export const QUOTA = `query {
  quota { id version usedSeconds heldSeconds availableSeconds remainingSeconds sessionCount openSessions { id status } }
}`;

export const QUOTA_UPDATED = `subscription ($avatarSessionId: ID) {
  quotaUpdated(avatarSessionId: $avatarSessionId) {
    reason
    at
    quota { id period version limitMinutes usedSeconds heldSeconds availableSeconds percentUsed sessionCount }
    warning { level limit thresholdPercent percentUsed crossedAt message }
    record { ${RECORD} }
  }
}`;

export const CREATE_TOKEN = `mutation ($input: CreateTokenInput!) {
  createToken(input: $input) {
    __typename
    ... on CreateTokenSuccess { token maxDurationSeconds heartbeatSeconds record { ${RECORD} } }
    ... on UserError { code message }
    ... on QuotaExceededError { retryAfterSeconds }
    ... on ConcurrencyLimitError { retryAfterSeconds }
    ... on VendorError { retryAfterSeconds fallback }
  }
}`;

export const TRACK_START = `mutation ($input: TrackStartInput!) {
  trackStart(input: $input) { __typename ... on TrackStartSuccess { record { ${RECORD} } } ... on UserError { code message } }
}`;

export const TRACK_HEARTBEAT = `mutation ($input: TrackHeartbeatInput!) {
  trackHeartbeat(input: $input) {
    __typename
    ... on TrackHeartbeatSuccess { record { ${RECORD} } }
    ... on UserError { code message }
  }
}`;

export const TRACK_END = `mutation ($input: TrackEndInput!) {
  trackEnd(input: $input) {
    __typename
    ... on TrackEndSuccess { record { ${RECORD} } quota { usedSeconds heldSeconds availableSeconds } }
    ... on UserError { code message }
  }
}`;

export const RECORD_BY_ID = `query ($id: ID!) { node(id: $id) { ... on UsageRecord { ${RECORD} } } }`;

export const USAGE_HISTORY = `query ($first: Int, $after: String, $filter: UsageHistoryFilter) {
  usageHistory(first: $first, after: $after, filter: $filter) {
    edges { cursor node { ${RECORD} avatarName errorMessage createdAt } }
    nodes { id }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

export const USAGE_SUMMARY = `query {
  usageSummary {
    sessionCount completedCount errorCount successRate totalSeconds totalCost wordsSpoken messagesCount
    byAvatar { avatarName sessionCount totalSeconds }
    byDay { sessionCount totalSeconds }
  }
}`;

export interface RecordData {
  readonly id: string;
  readonly status: string;
  readonly endReason: string | null;
  readonly sessionId: string;
  readonly avatarSessionId: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly expiresAt: string | null;
  readonly durationSeconds: number;
  readonly stopPending: boolean;
}

export interface QuotaMessage {
  readonly reason: string;
  readonly at: string;
  readonly quota: {
    readonly period: string;
    readonly version: number;
    readonly limitMinutes: number;
    readonly usedSeconds: number;
    readonly heldSeconds: number;
    readonly availableSeconds: number;
  };
  readonly warning: { readonly level: string; readonly crossedAt: string } | null;
  readonly record: RecordData | null;
  /** On the clock of this machine, in epoch milliseconds. */
  readonly arrivedAt: number;
}

/** A token of a new conversation, or the refusal. */
export async function createToken(
  service: Pick<TestService, 'url'>,
  token: string,
  input: { sessionId?: string; avatarName?: string } = {},
) {
  const { body } = await post<{ createToken: { __typename: string; token: string; record: RecordData } }>(
    service,
    token,
    CREATE_TOKEN,
    { input: { sessionId: conversation(), ...input } },
  );
  if (!body.data) throw new Error(JSON.stringify(body.errors));
  return body.data.createToken;
}

/** Takes a token and starts its session, at the vendor as well; returns the record. */
export async function startSession(service: Pick<TestService, 'url'>, token: string): Promise<RecordData> {
  const { token: sessionToken, record } = await createToken(service, token);
  await callSdk(service, 'start', sessionToken);
  const { body } = await post<{ trackStart: { record: RecordData } }>(service, token, TRACK_START, {
    input: { sessionId: record.sessionId, avatarSessionId: record.avatarSessionId },
  });
  if (!body.data?.trackStart.record) throw new Error(JSON.stringify(body));
  return body.data.trackStart.record;
}

/** Ends a session; returns the answer. */
export async function endSession(service: Pick<TestService, 'url'>, token: string, avatarSessionId: string) {
  const { body } = await post<{ trackEnd: { record: RecordData; quota: { availableSeconds: number } } }>(
    service,
    token,
    TRACK_END,
    { input: { avatarSessionId } },
  );
  if (!body.data) throw new Error(JSON.stringify(body.errors));
  return body.data.trackEnd;
}

/** A session from its token to the vendor's confirmation that it has stopped; returns its record. */
export async function runSession(
  service: Pick<TestService, 'url'>,
  token: string,
  whileRunning: () => void = () => {},
): Promise<RecordData> {
  const { id, avatarSessionId } = await startSession(service, token);
  whileRunning();
  await endSession(service, token, avatarSessionId);
  await waitFor(async () => !(await readRecord(service, token, id)).stopPending);
  return readRecord(service, token, id);
}

export interface QuotaData {
  readonly usedSeconds: number;
  readonly heldSeconds: number;
  readonly availableSeconds: number;
  readonly openSessions: readonly { readonly id: string; readonly status: string }[];
}

/** The caller's quota, as it stands now. */
export async function readQuota(service: Pick<TestService, 'url'>, token: string): Promise<QuotaData> {
  const { body } = await post<{ quota: QuotaData }>(service, token, QUOTA);
  if (!body.data) throw new Error(JSON.stringify(body.errors));
  return body.data.quota;
}

/** A record of the caller's, as it stands now. */
export async function readRecord(service: Pick<TestService, 'url'>, token: string, id: string): Promise<RecordData> {
  const { body } = await post<{ node: RecordData }>(service, token, RECORD_BY_ID, { id });
  if (!body.data) throw new Error(JSON.stringify(body.errors));
  return body.data.node;
}
