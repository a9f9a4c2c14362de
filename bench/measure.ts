/** Time for a server's code to be compiled and its caches to be filled. */
const WARM_UP_MS = 3_000;
const ROUND_MS = 2_000;
const ROUNDS = 7;

/** One call of a caller, who calls again when it has its answer. */
export type Call = (caller: number) => Promise<unknown>;

export interface Comparison {
  /** Calls per second: the medians of the rounds. */
  readonly figure: number;
  readonly peer: number;
  /** The median of the rounds' ratios. */
  readonly ratio: number;
}

/** Compares the calls of so many callers with calls of a peer. */
export function compare(callers: number, figure: Call, peer: Call): Promise<Comparison> {
  return compareFor(
    (milliseconds) => measure(callers, milliseconds, figure),
    (milliseconds) => measure(callers, milliseconds, peer),
  );
}

/** Calls per second over about so many milliseconds. */
type Measurement = (milliseconds: number) => Promise<number>;

/** Takes two measurements in turn, so that whatever else the machine does slows both. */
export async function compareFor(figure: Measurement, peer: Measurement): Promise<Comparison> {
  await figure(WARM_UP_MS);
  await peer(WARM_UP_MS);
  const rounds: { figure: number; peer: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push({ peer: await peer(ROUND_MS), figure: await figure(ROUND_MS) });
  }
  return {
    figure: median(rounds.map((each) => each.figure)),
    peer: median(rounds.map((each) => each.peer)),
    ratio: median(rounds.map((each) => each.figure / each.peer)),
  };
}

/** Calls per second over a fixed time. */
export async function measure(callers: number, milliseconds: number, call: Call): Promise<number> {
  const start = performance.now();
  const until = start + milliseconds;
  let done = 0;
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      while (performance.now() < until) {
        await call(caller);
        done++;
      }
    }),
  );
  return done / ((performance.now() - start) / 1000);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return ((sorted.at(middle) ?? 0) + (sorted.at(-middle - 1) ?? 0)) / 2;
}
