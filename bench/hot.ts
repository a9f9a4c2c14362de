import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { QuotaPolicy } from '../src/domain/policy.ts';
import { DEFAULT_POLICY } from '../test/support/policy.ts';
import { type Benchmark, beside } from './benchmark.ts';
import { compareFor } from './measure.ts';

const CALLERS = 64;
const NODES = 2;

/** One user who may do what all callers ask for. */
export const HOT_POLICY: QuotaPolicy = {
  ...DEFAULT_POLICY,
  defaultLimitMinutes: 1_000_000,
  defaultLimitCost: 1_000_000_000_000n,
  maxConcurrentSessions: 1_000,
  maxTokensPerMinute: 100_000,
};

/** What a node is to measure. */
export interface HotOrder {
  readonly what: 'cycle' | 'peer';
  readonly callers: number;
  readonly milliseconds: number;
}

/** Sessions of one user on two nodes, each a process of its own, beside a rate limiter's single row. */
export const benchHot: Benchmark = async ({ url }) => {
  await using nodes = await startNodes(url);
  const together = (what: HotOrder['what']) => (milliseconds: number) =>
    nodes.measure({ what, callers: CALLERS / NODES, milliseconds });
  const result = await compareFor(together('cycle'), together('peer'));
  return [
    [`cycle of one user, ${CALLERS} callers on ${NODES} nodes`, ...beside(result, 'consume + reward of one key')],
  ];
};

async function startNodes(url: string) {
  const program = fileURLToPath(new URL('hot-program.ts', import.meta.url));
  const children = Array.from({ length: NODES }, () => fork(program, [url]));
  const answerOf = async (child: (typeof children)[number]) => (await once(child, 'message'))[0];
  await Promise.all(children.map(answerOf));
  return {
    /** Calls per second of all nodes. */
    async measure(order: HotOrder): Promise<number> {
      const figures = await Promise.all(
        children.map(async (child): Promise<number> => {
          child.send(order);
          return answerOf(child);
        }),
      );
      return figures.reduce((sum, figure) => sum + figure, 0);
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) child.disconnect();
      await Promise.all(children.map((child) => once(child, 'exit')));
    },
  };
}
