import { createBatchLoop } from './batch-loop.ts';

interface UserBatcherOptions<Call> {
  /**
   * Carries out the calls of several users. Each call is settled by it; it never rejects. Users who take longer than the others
   * are returned: they stay busy, and the next batch begins without them.
   */
  readonly run: (batch: readonly UserCalls<Call>[]) => Promise<Stragglers | null>;
  /** @default 500 */
  readonly maxUsers?: number;
  /** How many batches may be under way at once. @default 4 */
  readonly maxBatches?: number;
}

/** The calls of one user that wait at one moment, in their order. */
export interface UserCalls<Call> {
  readonly userId: string;
  readonly calls: readonly Call[];
}

export interface Stragglers {
  readonly userIds: readonly string[];
  /** Never rejects. */
  readonly done: Promise<unknown>;
}

export interface UserBatcher<Call> {
  submit(userId: string, call: Call): void;
  /** Takes all calls that wait for their batch: the caller settles them. */
  takeWaiting(): Call[];
}

/** A batch of fewer users takes nearly as long: not worth a statement and a commit of its own. */
const MIN_SHARE = 32;

/** The most that one user's calls take of a batch, so that a flood of them delays no other user. */
const MAX_CALLS_PER_USER = 50;

/**
 * Lets calls that wait at one moment travel together: while batches are under way, further calls gather for the next. Users
 * take turns, and a user's calls are never in two batches at once. An idle batcher adds no delay beyond the present turn of
 * the event loop.
 */
export function createUserBatcher<Call>({
  run,
  maxUsers = 500,
  maxBatches = 4,
}: UserBatcherOptions<Call>): UserBatcher<Call> {
  /** In the order in which users have begun to wait. */
  const waiting = new Map<string, Call[]>();
  const busy = new Set<string>();
  const schedule = createBatchLoop({ take: takeBatch, carryOut, maxBatches });

  /** The batches that may begin now share the users who wait, so that the database works on several of them at once. */
  function takeBatch(free: number): UserCalls<Call>[] {
    const batch: UserCalls<Call>[] = [];
    const share = Math.max(MIN_SHARE, Math.ceil(waiting.size / free));
    for (const [userId, calls] of waiting) {
      if (batch.length >= Math.min(share, maxUsers)) break;
      if (busy.has(userId)) continue;
      waiting.delete(userId);
      busy.add(userId);
      batch.push({ userId, calls: calls.splice(0, MAX_CALLS_PER_USER) });
      if (calls.length > 0) waiting.set(userId, calls);
    }
    return batch;
  }

  async function carryOut(batch: readonly UserCalls<Call>[]): Promise<void> {
    const stragglers = await run(batch);
    for (const { userId } of batch) if (!stragglers?.userIds.includes(userId)) busy.delete(userId);
    void stragglers?.done.then(() => {
      for (const userId of stragglers.userIds) busy.delete(userId);
      schedule();
    });
  }

  return {
    submit(userId, call) {
      const calls = waiting.get(userId);
      if (calls) calls.push(call);
      else waiting.set(userId, [call]);
      schedule();
    },
    takeWaiting() {
      const calls = [...waiting.values()].flat();
      waiting.clear();
      return calls;
    },
  };
}
