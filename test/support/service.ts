import { randomUUID } from 'node:crypto';
import { type Logger, pino } from 'pino';
import { expect } from 'vitest';
import { startService } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { auditBooks } from '../../src/database/audit.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { issueToken } from '../../src/server/issue-token.ts';
import { startSimulator } from '../../src/vendors/simulator/server.ts';
import { createTestDatabase } from './database.ts';

const SECRET = 'a-secret-of-the-tests-that-is-long-enough';
const AVATAR_ID = 'dd73ea75-1218-4ef3-92ce-606d5f7fbc0a';

/**
 * The whole service over a database and a simulated vendor of its own, on a free port. Disposing stops it and checks
 * the books.
 */
export async function startTestService(
  settings: Record<string, string> = {},
  {
    clock = () => new Date(),
    log = pino({ level: 'silent' }),
    ...options
  }: { timeZone?: string; clock?: Clock; log?: Logger } = {},
) {
  const database = await createTestDatabase(options);
  const simulator = await startSimulator({ apiKey: 'test-key', clock });
  const start = (port: number) =>
    startService(
      loadConfig({
        DATABASE_URL: database.url,
        PORT: String(port),
        HOST: '127.0.0.1',
        AUTH_JWT_SECRET: SECRET,
        VENDOR: 'liveavatar',
        LIVEAVATAR_API_KEY: 'test-key',
        LIVEAVATAR_BASE_URL: simulator.url,
        LIVEAVATAR_AVATARS: JSON.stringify({ default: { avatar_id: AVATAR_ID }, anna: { avatar_id: AVATAR_ID } }),
        GRAPHIQL: 'on',
        ...settings,
      }),
      log,
      clock,
    );
  let service = await start(0);
  const { url } = service;

  return {
    url,
    webSocketUrl: webSocketUrl(url),
    database,
    simulator,
    /** A token for a user of the test. */
    token: (userId: string, ttlSeconds = 3600) =>
      issueToken(
        {
          secret: SECRET,
          userId,
          admin: false,
          ttlSeconds,
          issuer: null,
          audience: null,
          roleClaim: 'role',
          adminRole: 'admin',
        },
        clock,
      ),
    /** A second service over the same data. Disposing stops it. */
    async anotherNode() {
      const node = await start(0);
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
