import { CREATE_TOKEN, QUOTA, TRACK_END, TRACK_HEARTBEAT, USAGE_HISTORY } from './operations.ts';
import { conversation, post, type TestService } from './service.ts';
import { issueUserToken } from './settings.ts';

/** One call and what came of it. Times are epoch milliseconds. */
export interface Call {
  readonly field: string;
  readonly from: number;
  readonly to: number;
  /** The type of the result, or the code of the error. */
  readonly answer: string;
}

const OPERATIONS: Record<string, [string, () => object | undefined]> = {
  createToken: [CREATE_TOKEN, () => ({ sessionId: conversation() })],
  quota: [QUOTA, () => undefined],
  trackHeartbeat: [TRACK_HEARTBEAT, () => ({ avatarSessionId: 'nobody’s' })],
  usageHistory: [USAGE_HISTORY, () => undefined],
  trackEnd: [TRACK_END, () => ({ avatarSessionId: 'nobody’s' })],
};

/** Users who call one operation after the other, on and on; every other user calls all of them at once. */
export function startCalls({ url }: Pick<TestService, 'url'>, users: number) {
  const calls: Call[] = [];
  let stopped = false;

  async function use(user: number): Promise<void> {
    const token = await issueUserToken(`caller-${user}`);
    const call = async ([field, [document, input]]: [string, (typeof OPERATIONS)[string]]) => {
      const from = Date.now();
      const variables = input();
      const { body } = await post<Record<string, { __typename?: string }>>(
        { url },
        token,
        document,
        variables && { input: variables },
      );
      const answer = body.errors?.[0]?.extensions.code ?? body.data?.[field]?.__typename ?? 'Data';
      calls.push({ field, from, to: Date.now(), answer });
    };
    while (!stopped) {
      if (user % 2 === 0) await Promise.all(Object.entries(OPERATIONS).map(call));
      else for (const operation of Object.entries(OPERATIONS)) if (!stopped) await call(operation);
    }
  }

  const running = Array.from({ length: users }, (_, user) => use(user));
  return {
    calls,
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}
