import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Clock } from '../../domain/clock.ts';
import { formatMoney, parseMoney } from '../../domain/money.ts';
import { Account } from './account.ts';
import { type Answer, Refusal } from './answers.ts';
import { corsHeaders, preflight } from './cors.ts';
import { authenticate } from './credentials.ts';
import { type Fault, Faults } from './faults.ts';
import { HeyGenAccount } from './heygen/account.ts';
import { createHeyGenApi, isHeyGenPath } from './heygen/api.ts';
import type { HeyGenSession } from './heygen/sessions.ts';
import { RateLimit } from './rate-limit.ts';
import { findRoute } from './routes.ts';
import { cutAnswer, sendAnswer } from './send.ts';
import type { SimulatedSession } from './sessions.ts';
import { SessionTokens } from './tokens.ts';

export interface SimulatorOptions {
  /** @default 0, any free port */
  readonly port?: number | undefined;
  /** @default '127.0.0.1' */
  readonly host?: string | undefined;
  /** @default the system's clock */
  readonly clock?: Clock | undefined;
  /** The only key that is let in. @default any */
  readonly apiKey?: string | undefined;
  /** Sessions running at once. @default no limit */
  readonly maxConcurrency?: number | undefined;
  /** Credits at the beginning, a decimal such as '12.5'. @default '1000000', which nobody uses up */
  readonly credits?: string | undefined;
  /** The tier's cap in seconds. @default no limit */
  readonly maxSessionSeconds?: number | undefined;
  /** Calls per second, credential and endpoint. @default no limit */
  readonly rateLimitPerSecond?: number | undefined;
  /** Origins whose pages may call. @default none */
  readonly allowedOrigins?: readonly string[] | undefined;
}

/** A call as it arrived. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Simulator {
  readonly url: string;
  /** Every session of the account as of the clock's now, unused tokens included, in the order of their mint. */
  sessions(): readonly SimulatedSession[];
  /** Every session of the HeyGen account as of the clock's now, in the order of their beginning. */
  heygenSessions(): readonly HeyGenSession[];
  /** The last thousand calls, the oldest first, preflights and faults included. */
  requests(): readonly RecordedRequest[];
  failNext(fault: Fault): void;
  /** Starts a session without a token, as a visitor of a page does that the vendor serves; returns its id. */
  embed(mode: 'FULL' | 'LITE'): string;
  /** The account's bill so far: a decimal in credits. */
  creditsConsumed(): string;
  /** The client of a running session loses its connection and does not come back. @throws for any other session */
  vanish(sessionId: string): void;
  /** Resolves once the port and every connection are closed, calls left hanging included. */
  close(): Promise<void>;
}

const REQUESTS_KEPT = 1000;

/**
 * LiveAvatar's API and HeyGen's retired one on a local port, their oddities included, without media. Each has an account of
 * its own, with the same key and limits.
 *
 * @throws Error of node:net if the port is taken, RangeError if the credits are no decimal
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const clock = options.clock ?? (() => new Date());
  const limits = {
    credits: parseMoney(options.credits ?? '1000000'),
    maxConcurrency: options.maxConcurrency ?? Number.POSITIVE_INFINITY,
    maxSessionSeconds: options.maxSessionSeconds ?? null,
  };
  const account = new Account(limits);
  const heygenAccount = new HeyGenAccount(limits);
  const heygen = createHeyGenApi(heygenAccount, options.apiKey);
  const rateLimit = new RateLimit(options.rateLimitPerSecond ?? Number.POSITIVE_INFINITY);
  const tokens = new SessionTokens();
  const faults = new Faults();
  const recorded: RecordedRequest[] = [];

  const server = createServer((request, response) => {
    // A client that hangs up while sending leaves nobody to answer.
    handle(request, response).catch(() => response.destroy());
  });
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const { address, family, port } = server.address() as AddressInfo;
  const origin = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const url = new URL(request.url ?? '/', origin);
    const body = await text(request);
    const query = Object.fromEntries(url.searchParams);
    recorded.push({ method, path: url.pathname, query, headers: request.headers, body });
    if (recorded.length > REQUESTS_KEPT) recorded.shift();

    const cors = corsHeaders(request.headers, options.allowedOrigins ?? []);
    if (method === 'OPTIONS') return sendAnswer(response, preflight('vary' in cors), cors);
    const fault = faults.take(method, url.pathname);
    if (fault?.hang) return;
    await fault?.until;
    if (fault?.closeMidAnswer) return cutAnswer(response, await answer(request, url, body), cors);
    if (fault && !fault.until) return sendAnswer(response, { status: 500, body: undefined, ...fault }, cors);
    return sendAnswer(response, await answer(request, url, body), cors);
  }

  async function answer(request: IncomingMessage, url: URL, body: string): Promise<Answer> {
    const now = clock().getTime();
    const { headers, method = 'GET' } = request;
    const credential = String(headers['x-api-key'] ?? headers.authorization ?? '');
    try {
      if (isHeyGenPath(url.pathname)) {
        rateLimit.count(credential, url.pathname, now);
        return heygen.answer({ method, url, headers, body, now });
      }
      const route = findRoute(method, url.pathname);
      rateLimit.count(credential, String(route.path), now);
      const caller = await authenticate(headers, route, options.apiKey, tokens);
      return await route.answer({ account, tokens, caller, url, body, now });
    } catch (error) {
      if (error instanceof Refusal) return error.answer;
      throw error;
    }
  }

  return {
    url: origin,
    sessions: () => account.sessions(clock().getTime()),
    heygenSessions: () => heygenAccount.sessions(clock().getTime()),
    requests: () => recorded,
    failNext: (fault) => faults.add(fault),
    embed: (mode) => {
      const request = { mode, avatarId: 'embedded', isSandbox: false, requestedCapSeconds: null };
      return account.embed(request, clock().getTime()).id;
    },
    creditsConsumed: () => formatMoney(account.creditsConsumed(clock().getTime())),
    vanish: (sessionId) => account.vanish(sessionId, clock().getTime()),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
