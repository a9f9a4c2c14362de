import type pg from 'pg';

type Run = () => Promise<unknown>;

/** Decides what becomes of a statement: by its name without the parts that follow a colon, or its text where it has none. */
type Around = (statement: string, run: Run) => Promise<unknown>;

/** A pool, and the clients that it gives, of which each statement goes through a function of the test. */
export function intercept(pool: pg.Pool, around: Around): pg.Pool {
  function wrap<T extends object>(target: T): T {
    return new Proxy(target, {
      get(object, key) {
        const value: unknown = Reflect.get(object, key);
        if (typeof value !== 'function') return value;
        if (key === 'query') return (...args: unknown[]) => around(nameOf(args[0]), () => value.apply(object, args));
        if (key === 'connect') return async () => wrap((await value.call(object)) as object);
        return value.bind(object);
      },
    });
  }
  return wrap(pool);
}

function nameOf(query: unknown): string {
  if (typeof query === 'string') return query;
  const { name, text } = query as { name?: string; text: string };
  return name?.split(':')[0] ?? text;
}

interface PausedPool {
  readonly pool: pg.Pool;
  /** Resolves when a node has come to the statement. */
  readonly reached: Promise<void>;
  readonly release: () => void;
}

/** A pool for one node, whose statements of a name wait until they are released: the pause point between load and save. */
export function pauseAt(pool: pg.Pool, statement = 'save'): PausedPool {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const paused = intercept(pool, async (name, run) => {
    if (name === statement) {
      reached.resolve();
      await released.promise;
    }
    return run();
  });
  return { pool: paused, reached: reached.promise, release: released.resolve };
}

/** A pool for one node, whose first statement of a name fails: instead of being run, or after it. */
export function failOnce(pool: pg.Pool, error: Error, when: 'before' | 'after', statement = 'save'): pg.Pool {
  let isDone = false;
  return intercept(pool, async (name, run) => {
    if (name !== statement || isDone) return run();
    isDone = true;
    if (when === 'after') await run();
    throw error;
  });
}
