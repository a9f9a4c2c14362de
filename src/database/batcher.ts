import { createBatchLoop } from './batch-loop.ts';
import { isSilent } from './errors.ts';

interface BatcherOptions<Request, Result> {
  /** Carries out all requests in one statement; answers in their order. */
  readonly run: (requests: readonly Request[]) => Promise<readonly Result[]>;
  /** Requests of one key never travel together, nor at the same time. Without it, any do. */
  readonly keyOf?: (request: Request) => string;
  /** Whether one request may be to blame for the failure of its batch: then each is tried alone. */
  readonly mayBeOneRequest: (error: unknown) => boolean;
  /** @default 500 */
  readonly maxBatchSize?: number;
  /** How many batches may be under way at once. @default 4 */
  readonly maxBatches?: number;
}

interface Waiting<Request, Result> {
  readonly request: Request;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets calls that wait at one moment travel together: while batches are under way, further calls gather for the next.
 * An idle batcher adds no delay beyond the present turn of the event loop.
 */
export function createBatcher<Request, Result>({
  run,
  keyOf,
  mayBeOneRequest,
  maxBatchSize = 500,
  maxBatches = 4,
}: BatcherOptions<Request, Result>): (request: Request) => Promise<Result> {
  let queue: Waiting<Request, Result>[] = [];
  const busyKeys = new Set<string>();
  const schedule = createBatchLoop({ take: takeBatch, carryOut, maxBatches });

  function takeBatch(): Waiting<Request, Result>[] {
    const batch: Waiting<Request, Result>[] = [];
    const left: Waiting<Request, Result>[] = [];
    for (const waiting of queue) {
      const key = keyOf?.(waiting.request);
      if (batch.length >= maxBatchSize || (key !== undefined && busyKeys.has(key))) {
        left.push(waiting);
      } else {
        if (key !== undefined) busyKeys.add(key);
        batch.push(waiting);
      }
    }
    queue = left;
    return batch;
  }

  async function carryOut(batch: readonly Waiting<Request, Result>[]): Promise<void> {
    await settle(batch);
    if (keyOf) for (const { request } of batch) busyKeys.delete(keyOf(request));
  }

  async function settle(batch: readonly Waiting<Request, Result>[]): Promise<void> {
    try {
      const results = await run(batch.map(({ request }) => request));
      batch.forEach(({ resolve }, index) => {
        resolve(results[index] as Result);
      });
    } catch (error) {
      if (batch.length > 1 && mayBeOneRequest(error)) {
        await Promise.all(batch.map((waiting) => settle([waiting])));
      } else {
        for (const { reject } of batch) reject(error);
        // Whoever has waited behind a database that says nothing has waited long enough.
        if (isSilent(error)) for (const { reject } of queue.splice(0)) reject(error);
      }
    }
  }

  return (request) =>
    new Promise((resolve, reject) => {
      queue.push({ request, resolve, reject });
      schedule();
    });
}
