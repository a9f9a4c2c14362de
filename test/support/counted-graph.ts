import { type ExecutionResult, execute, parse, subscribe } from 'graphql';
import { deliverStops } from '../../src/app/deliver-stops.ts';
import { createTokenSeal } from '../../src/app/token-seal.ts';
import { createDueWork } from '../../src/database/due-work.ts';
import { createPrisma } from '../../src/database/prisma.ts';
import { createUsageReader } from '../../src/database/usage-summary.ts';
import type { GraphQLContext } from '../../src/graphql/context.ts';
import { schema } from '../../src/graphql/schema.ts';
import { createPostgresEvents } from '../../src/live/postgres-events.ts';
import { createProxyTokens } from '../../src/server/proxy-tokens.ts';
import { createLiveAvatarVendor } from '../../src/vendors/liveavatar/liveavatar-vendor.ts';
import { startSimulator } from '../../src/vendors/simulator/server.ts';
import { intercept } from './pause.ts';
import { VENDOR_KEY } from './settings.ts';
import { createTestStore } from './store.ts';

interface Counted<Data> {
  readonly data: Data;
  /** The statements sent to PostgreSQL, by their name, or by their text up to the first table. Each is a transaction. */
  readonly statements: readonly string[];
}

/** The graph over a simulated vendor and a store whose statements are noted. Nothing works in the background. */
export async function startCountedGraph() {
  await using parts = new AsyncDisposableStack();
  const test = parts.use(await createTestStore({ maxConcurrentSessions: 10 }));
  const simulator = await startSimulator({ apiKey: VENDOR_KEY });
  parts.defer(() => simulator.close());
  const events = await createPostgresEvents({
    url: test.database.url,
    onDue: () => {},
    onQuotaThreshold: () => {},
    onAccountThreshold: () => {},
    onConnectionError: () => {},
  });
  parts.defer(() => events.close());

  let statements: string[] = [];
  /** The operation under way: changes are heard after it, in whichever order the connections are read. */
  let operation: Promise<unknown> = Promise.resolve();
  const pool = intercept(test.pool, (statement, run) => {
    statements.push(statement);
    return run();
  });
  const { policy, clock } = test;
  const vendor = createLiveAvatarVendor({ baseUrl: simulator.url, apiKey: VENDOR_KEY, mode: 'FULL', avatars: {} });
  const work = createDueWork({ pool, policy, vendorName: vendor.name, clock: clock.now });
  const context: GraphQLContext = {
    store: test.anotherNode(0, pool),
    usage: createUsageReader({ pool, billingTimeZone: policy.billingTimeZone, clock: clock.now }),
    prisma: createPrisma(pool),
    events: {
      subscribe: (userId, { changed, missed }) =>
        events.subscribe(userId, { changed: (event) => void operation.then(() => changed(event)), missed }),
    },
    vendor,
    balance: { covers: async () => true, credits: () => null },
    policy,
    clock: clock.now,
    presence: { watch: () => () => {} },
    delivery: 'direct',
    proxyTokens: createProxyTokens(['secret']),
    pause: async () => {},
    seal: createTokenSeal(['secret']),
    onBackgroundError: () => {},
    caller: { userId: 'ann', isAdmin: false, expiresAt: clock.now() },
    streamsUntil: null,
  };
  const counted = <Data>({ data, errors }: ExecutionResult): Counted<Data> => {
    if (!data || errors) throw new Error(JSON.stringify(errors));
    const sent = statements.map(shortName);
    statements = [];
    return { data: data as Data, statements: sent };
  };

  const running = parts.move();
  return {
    clock,
    /** Carries out one operation. */
    async run<Data>(document: string, variableValues: Record<string, unknown> = {}): Promise<Counted<Data>> {
      const contextValue = { ...context };
      const result = Promise.resolve(execute({ schema, document: parse(document), contextValue, variableValues }));
      operation = result;
      return counted(await result);
    },
    /** Delivers the stops that are due, as the sweeper does. Returns the statements for it. */
    async deliverStops(): Promise<readonly string[]> {
      await deliverStops({ work, store: context.store, vendor, expectsFigures: true, clock: clock.now }, 'due');
      return counted({ data: {} }).statements;
    },
    /** Subscribes. Each message comes with the statements since the operation or the message before it. */
    async watch<Data>(document: string) {
      const stream = await subscribe({ schema, document: parse(document), contextValue: { ...context } });
      if (!(Symbol.asyncIterator in stream)) throw new Error(JSON.stringify(stream.errors));
      return {
        async next(): Promise<Counted<Data>> {
          const { value } = await stream.next();
          return counted(value as ExecutionResult);
        },
        async [Symbol.asyncDispose]() {
          await stream.return?.(undefined as never);
        },
      };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

export type CountedGraph = Awaited<ReturnType<typeof startCountedGraph>>;

/** Prisma's statements have no name: their table stands for them. */
function shortName(statement: string): string {
  return /FROM "public"\."(\w+)"/.exec(statement)?.[1] ?? /FROM (\w+)/.exec(statement)?.[1] ?? statement;
}
