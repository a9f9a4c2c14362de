import { setTimeout as sleep } from 'node:timers/promises';
import { parseNodeId } from '../../src/graphql/node-id.ts';
import { CREATE_TOKEN, type RecordData, TRACK_END, TRACK_HEARTBEAT, TRACK_START } from './operations.ts';
import { conversation, post } from './service.ts';
import { issueUserToken } from './settings.ts';

/** What the service has acknowledged of one record. */
export interface Acknowledged {
  readonly userId: string;
  readonly recordId: string;
  readonly sessionId: string;
  readonly avatarSessionId: string;
  readonly vendorToken: string;
  readonly maxDurationSeconds: number;
  startedAt?: string;
  /** The highest total that a heartbeat was acknowledged with. */
  wordsSpoken: number;
  end?: Pick<RecordData, 'status' | 'endReason' | 'durationSeconds'>;
}

interface Answer {
  readonly __typename: string;
  readonly code?: string;
  readonly token: string;
  readonly maxDurationSeconds: number;
  readonly record: RecordData;
}

interface LoadOptions {
  readonly users: number;
  readonly random: () => number;
  /** Resolves with where the service is, once it is there. */
  readonly url: () => Promise<string>;
  readonly vendorUrl: string;
}

/** Users who take tokens, start, talk, and end, or leave at any point. They start again after any failure. */
export function startLoad({ users, random, url, vendorUrl }: LoadOptions) {
  const acknowledged: Acknowledged[] = [];
  const unexpected: unknown[] = [];
  let answered = 0;
  let unanswered = 0;
  const waiting: { readonly from: number; readonly resolve: () => void }[] = [];
  let stopped = false;

  function countAnswer(): void {
    answered += 1;
    for (const { from, resolve } of waiting) if (answered >= from) resolve();
  }

  async function use(userId: string): Promise<void> {
    const token = await issueUserToken(userId);
    const open: Acknowledged[] = [];

    /** The answer, or null where none came: then nobody knows whether it was done. */
    async function call(field: string, document: string, input: object): Promise<Answer | null> {
      try {
        const { body } = await post<Record<string, Answer>>({ url: await url() }, token, document, { input });
        const codes = body.errors?.map(({ extensions }) => extensions.code);
        countAnswer();
        if (codes?.some((code) => code !== 'SERVICE_UNAVAILABLE')) unexpected.push(body.errors);
        return body.data?.[field] ?? null;
      } catch {
        unanswered += 1;
        return null;
      }
    }

    async function take(): Promise<void> {
      const sessionId = conversation();
      const answer = await call('createToken', CREATE_TOKEN, { sessionId });
      if (answer?.__typename !== 'CreateTokenSuccess') {
        if (answer) unexpected.push(answer);
        return;
      }
      const { record, token: vendorToken, maxDurationSeconds } = answer;
      const { avatarSessionId } = record;
      const recordId = parseNodeId(record.id).id;
      const entry = { userId, recordId, sessionId, avatarSessionId, vendorToken, maxDurationSeconds, wordsSpoken: 0 };
      acknowledged.push(entry);
      if (random() < 0.9) open.push(entry);
    }

    async function start(session: Acknowledged): Promise<void> {
      const { sessionId, avatarSessionId, vendorToken } = session;
      const headers = { authorization: `Bearer ${vendorToken}` };
      if (random() < 0.8) await fetch(`${vendorUrl}/v1/sessions/start`, { method: 'POST', headers });
      const answer = await call('trackStart', TRACK_START, { sessionId, avatarSessionId });
      if (answer?.__typename === 'TrackStartSuccess') session.startedAt = answer.record.startedAt;
      // its time to live was over
      else if (answer) leave(session);
    }

    async function talk(session: Acknowledged): Promise<void> {
      const wordsSpoken = session.wordsSpoken + 1;
      const answer = await call('trackHeartbeat', TRACK_HEARTBEAT, {
        avatarSessionId: session.avatarSessionId,
        wordsSpoken,
      });
      if (answer?.__typename === 'TrackHeartbeatSuccess') session.wordsSpoken = wordsSpoken;
    }

    async function end(session: Acknowledged): Promise<void> {
      const answer = await call('trackEnd', TRACK_END, { avatarSessionId: session.avatarSessionId });
      if (answer?.__typename === 'TrackEndSuccess') session.end = answer.record;
      else if (answer) unexpected.push(answer);
      else return;
      leave(session);
    }

    function leave(session: Acknowledged): void {
      open.splice(open.indexOf(session), 1);
    }

    while (!stopped) {
      const session = open[Math.floor(random() * open.length)];
      const choice = random();
      if (!session || (choice < 0.3 && open.length < 5)) await take();
      else if (!session.startedAt) await start(session);
      else if (choice < 0.6) await talk(session);
      else if (choice < 0.95) await end(session);
      else leave(session);
      await sleep(random() * 20);
    }
  }

  const running = Array.from({ length: users }, (_, user) => use(`user-${user}`));
  return {
    acknowledged,
    unexpected,
    unanswered: () => unanswered,
    /** Resolves when so many more calls were answered. */
    async moreAnswers(count: number): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ from: answered + count, resolve });
      await promise;
    },
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}
