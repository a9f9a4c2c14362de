import { randomUUID } from 'node:crypto';
import { type Logger, pino } from 'pino';
import { expect } from 'vitest';
import { startService } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { auditBooks } from '../../src/database/audit.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { startSimulator } from '../../src/vendors/simulator/server.ts';
import { createTestDatabase } from './database.ts';
import { issueUserToken, settingsFor, VENDOR_KEY } from './settings.ts';

interface NodeOptions {
  readonly clock: Clock;
  /** Whether the clock is compared with the database's. */
  readonly comparesClock: boolean;
  readonly log: Logger;
}

/**
 * The whole service over a database and a simulated vendor of its own, on a free port. Pages of `CORS_ORIGINS` may call
 * the vendor too. Disposing stops it and checks the books.
 */
export async function startTestService(
  settings: Record<string, string> = {},
  {
    clock: artificialClock,
    log = pino({ level: 'silent' }),
    credits,
    ...options
  }: { timeZone?: string; clock?: Clock; log?: Logger; credits?: string } = {},
) {
  const clock = artificialClock ?? (() => new Date());
  const database = await createTestDatabase(options);
  const simulator = await startSimulator({
    apiKey: VENDOR_KEY,
    clock,
    credits,
    allowedOrigins: settings.CORS_ORIGINS?.split(','),
  });
  const environment = {
    DATABASE_URL: database.url,
    ...settingsFor(simulator.url),
    GRAPHIQL: 'on',
    ...settings,
  };
  const start = (port: number, node: NodeOptions = { clock, comparesClock: artificialClock === undefined, log }) =>
    startService(loadConfig({ PORT: String(port), ...environment }), node.log, node);
  let service = await start(0);
  const { url } = service;

  return {
    url,
    webSocketUrl: webSocketUrl(url),
    database,
    simulator,
    /** The settings, for a command that works on the same data. */
    environment,
    /** A token for a user of the test. */
    token: (userId: string, ttlSeconds?: number) => issueUserToken(userId, ttlSeconds, clock),
    /** A second service over the same data, perhaps with a clock of its own. Disposing stops it. */
    async anotherNode(options?: NodeOptions) {
      const node = await start(0, options);
      return { url: node.url, webSocketUrl: webSocketUrl(node.url), [Symbol.asyncDispose]: () => node.stop() };
    },
    /** Stops the service and starts it again on the same port and data. */
    async restart() {
      await service.stop();
      service = await start(Number(new URL(url).port));
    },
    stop: () => service.stop(),
    /** Checks the books at any moment. */
    async expectBalancedBooks() {
      expect(await auditBooks({ query: async (sql) => ({ rows: await database.query(sql) }) })).toEqual([]);
    },
    async [Symbol.asyncDispose]() {
      await service.stop();
      await this.expectBalancedBooks();
      await simulator.close();
      await database.drop();
    },
  };
}

function webSocketUrl(url: string): string {
  return `${url.replace('http', 'ws')}/graphql`;
}

export type TestService = Awaited<ReturnType<typeof startTestService>>;

export interface GraphQLBody<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly (string | number)[];
    readonly extensions: { readonly code: string; readonly [key: string]: unknown };
  }[];
}

/** One GraphQL operation over HTTP. */
export async function post<Data = Record<string, unknown>>(
  service: Pick<TestService, 'url'>,
  token: string | null,
  query: string,
  variables?: Record<string, unknown>,
): Promise<{ status: number; body: GraphQLBody<Data> }> {
  const response = await fetch(`${service.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, body: (await response.json()) as GraphQLBody<Data> };
}

/** A conversation id that nobody else uses. */
export function conversation(): string {
  return randomUUID();
}
