import { expect } from 'vitest';

/** What only the inside of the service knows: stacks, files, statements, the names of what it is built with. */
const INTERNALS = [
  /\n\s+at |node_modules|node:internal|\/(work|home|app|src)\/|file:\/\/|\.(ts|m?js):\d/,
  /prisma|pothos|graphql-yoga|whatwg|usage_records|usage_quotas/i,
  /\b(SELECT|INSERT|UPDATE)\b|SyntaxError|TypeError|RangeError|ECONN|INTERNAL_SERVER_ERROR/,
];

/** Checks that an answer shows nothing of the inside. */
export function expectNoInternals(answer: string): void {
  expect(INTERNALS.flatMap((pattern) => pattern.exec(answer)?.[0] ?? [])).toEqual([]);
}
