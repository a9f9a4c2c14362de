import { expect } from 'vitest';
import { createTestClock } from './clock.ts';
import {
  CREATE_TOKEN,
  endSession,
  type QuotaData,
  type RecordData,
  readQuota,
  readRecord,
  TRACK_HEARTBEAT,
  TRACK_START,
} from './operations.ts';
import { callSdk } from './sdk-calls.ts';
import { conversation, post, startTestService, type TestService } from './service.ts';

/** What createToken answered. */
export interface TokenAnswer {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly retryAfterSeconds?: number | null;
  readonly token?: string;
  readonly maxDurationSeconds?: number;
  readonly record?: RecordData;
}

/** A token that left the service, and the session that it starts. */
export interface IssuedToken {
  readonly token: string;
  readonly maxDurationSeconds: number;
  readonly record: RecordData;
}

/**
 * A service whose clock stands still until it is moved, and users who call it and, with the tokens that they get, the vendor
 * past it.
 */
export async function startAttack(settings: Record<string, string> = {}) {
  const clock = createTestClock();
  const service = await startTestService({ RECONCILE_INTERVAL_SECONDS: '1', ...settings }, { clock: clock.now });
  const users: AttackingUser[] = [];
  return {
    service,
    /** Moves the clock, and has done what falls due by then. */
    async advance(seconds: number): Promise<void> {
      clock.advance(seconds);
      await service.database.query('SELECT pg_notify($1, $2)', ['quota_due', String(clock.now().getTime())]);
    },
    /** Lets no reconciliation learn anything of the vendor until the returned function is called. */
    holdReconciliation(): () => void {
      const { promise: until, resolve } = Promise.withResolvers<void>();
      service.simulator.failNext({ path: '/v1/sessions', until, times: 1000 });
      return resolve;
    },
    async user(name: string): Promise<AttackingUser> {
      const user = createUser(service, await service.token(name, 86_400));
      users.push(user);
      return user;
    },
    /**
     * Checks that the vendor cannot bill more than is used or held: neither now, nor if every token that left the service was
     * started at this moment and ran to its cap.
     */
    async expectCovered(limitSeconds: number): Promise<void> {
      for (const user of users) {
        const billable = billableSeconds(service, user);
        const { usedSeconds, heldSeconds } = await user.quota();
        expect(usedSeconds + heldSeconds).toBeGreaterThanOrEqual(billable);
        expect(billable).toBeLessThanOrEqual(limitSeconds);
      }
    },
    /** What all users can have cost at most, in minutes of the vendor. */
    billableMinutes: () => users.reduce((sum, user) => sum + billableSeconds(service, user), 0) / 60,
    runningAtVendor: () => running(service).length,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

export type Attack = Awaited<ReturnType<typeof startAttack>>;

export interface AttackingUser {
  readonly jwt: string;
  /** Every token that this user got, each once. */
  readonly tokens: ReadonlyMap<string, IssuedToken>;
  /** Requests a token, for a new conversation unless one is named. */
  ask(input?: { sessionId?: string; avatarName?: string }): Promise<TokenAnswer>;
  /** The same. @throws if it is refused */
  take(input?: { sessionId?: string; avatarName?: string }): Promise<IssuedToken>;
  quota(): Promise<QuotaData>;
  record(token: IssuedToken): Promise<RecordData>;
  reportStart(token: IssuedToken): Promise<void>;
  reportEnd(token: IssuedToken): Promise<void>;
  heartbeat(token: IssuedToken): Promise<void>;
  /** A call of the vendor's SDK through the service; returns the status. */
  callSdk(call: 'start' | 'stop' | 'keep-alive', token: IssuedToken): Promise<number>;
  /** The same to the vendor itself, past the service. */
  callVendor(call: 'start' | 'stop' | 'keep-alive', token: IssuedToken): Promise<number>;
}

function createUser(service: TestService, jwt: string): AttackingUser {
  const tokens = new Map<string, IssuedToken>();
  const user: AttackingUser = {
    jwt,
    tokens,
    async ask(input = {}) {
      const variables = { input: { sessionId: conversation(), ...input } };
      const { body } = await post<{ createToken: TokenAnswer }>(service, jwt, CREATE_TOKEN, variables);
      if (!body.data) return { __typename: 'Error', code: body.errors?.[0]?.extensions.code ?? '' };
      const { createToken } = body.data;
      if (isIssued(createToken)) tokens.set(createToken.token, createToken);
      return createToken;
    },
    async take(input) {
      const answer = await user.ask(input);
      if (!isIssued(answer)) throw new Error(JSON.stringify(answer));
      return answer;
    },
    quota: () => readQuota(service, jwt),
    record: ({ record }) => readRecord(service, jwt, record.id),
    async reportStart({ record: { sessionId, avatarSessionId } }) {
      await post(service, jwt, TRACK_START, { input: { sessionId, avatarSessionId } });
    },
    async reportEnd({ record }) {
      await endSession(service, jwt, record.avatarSessionId);
    },
    async heartbeat({ record: { avatarSessionId } }) {
      await post(service, jwt, TRACK_HEARTBEAT, { input: { avatarSessionId } });
    },
    callSdk: async (call, { token }) => (await callSdk(service, call, token)).status,
    async callVendor(call, { token }) {
      const answer = await fetch(`${service.simulator.url}/v1/sessions/${call}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      });
      return answer.status;
    },
  };
  return user;
}

function isIssued(answer: TokenAnswer): answer is TokenAnswer & IssuedToken {
  return answer.__typename === 'CreateTokenSuccess';
}

function running({ simulator }: TestService) {
  return simulator.sessions().filter(({ startedAt, endedAt }) => startedAt !== null && endedAt === null);
}

/** What the vendor can bill for the tokens of a user, each session by whole seconds. */
function billableSeconds({ simulator }: TestService, user: AttackingUser): number {
  const ids = new Set([...user.tokens.values()].map(({ record }) => record.avatarSessionId));
  return simulator
    .sessions()
    .filter(({ id }) => ids.has(id))
    .reduce((sum, { startedAt, endedAt, capSeconds, requestedCapSeconds }) => {
      const cap = capSeconds ?? requestedCapSeconds ?? Number.POSITIVE_INFINITY;
      if (startedAt === null) return sum + cap;
      return sum + Math.min(cap, endedAt === null ? cap : Math.ceil((endedAt - startedAt) / 1000));
    }, 0);
}
