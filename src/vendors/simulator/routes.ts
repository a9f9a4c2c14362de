import { formatMoney } from '../../domain/money.ts';
import type { Account } from './account.ts';
import { type Answer, entry, invalid, Refusal, refuse, sessionNotFound, success } from './answers.ts';
import { KeepAliveBody, ListQuery, parse, parseJsonBody, StopBody, TokenBody } from './requests.ts';
import { isRunning } from './sessions.ts';
import type { SessionTokens } from './tokens.ts';

/** Who calls: the account by its key, or the holder of one session's token. */
export type Caller = { readonly sessionId: string } | 'account';

export interface RouteCall {
  readonly account: Account;
  readonly tokens: SessionTokens;
  readonly caller: Caller;
  readonly url: URL;
  readonly body: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: RegExp;
  /** What lets a caller in: the account's key in X-API-KEY, or a session token as Bearer. */
  readonly credentials: readonly ('key' | 'token')[];
  answer(call: RouteCall): Answer | Promise<Answer>;
}

const ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: /^\/v1\/sessions\/token$/,
    credentials: ['key'],
    async answer({ account, tokens, body, now }) {
      const request = parse(TokenBody, parseJsonBody(body), 'body');
      const session = account.mint(
        {
          mode: request.mode,
          avatarId: request.avatar_id,
          isSandbox: request.is_sandbox,
          requestedCapSeconds: request.max_session_duration ?? null,
        },
        now,
      );
      return success({ session_id: session.id, session_token: await tokens.sign(session.id, session.mode) });
    },
  },
  {
    method: 'POST',
    path: /^\/v1\/sessions\/start$/,
    credentials: ['token'],
    answer({ account, caller, now }) {
      const session = account.start(sessionOf(caller, undefined), now);
      // Without livekit_url, livekit_client_token and ws_url the vendor's SDK connects without a media server.
      const cap = session.capSeconds === null ? {} : { max_session_duration: session.capSeconds };
      return success({ session_id: session.id, ...cap }, 201);
    },
  },
  {
    method: 'POST',
    path: /^\/v1\/sessions\/stop$/,
    credentials: ['key', 'token'],
    answer({ account, caller, body, now }) {
      const request = parse(StopBody, parseJsonBody(body), 'body');
      const id = sessionOf(caller, request.session_id);
      account.stop(id, request.reason, now);
      return success({ session_id: id });
    },
  },
  {
    method: 'POST',
    path: /^\/v1\/sessions\/keep-alive$/,
    credentials: ['key', 'token'],
    answer({ account, caller, body, now }) {
      const id = sessionOf(caller, parse(KeepAliveBody, parseJsonBody(body), 'body').session_id);
      account.keepAlive(id, now);
      return success({ session_id: id });
    },
  },
  {
    method: 'GET',
    path: /^\/v1\/sessions$/,
    credentials: ['key'],
    answer({ account, url, now }) {
      const { type, page, page_size: size } = parse(ListQuery, Object.fromEntries(url.searchParams), 'query');
      const found = account
        .sessions(now)
        .filter((session) => (type === 'active' ? isRunning(session) : session.endedAt !== null))
        .reverse();
      const pageUrl = (number: number) => `${url.origin}${url.pathname}?type=${type}&page=${number}&page_size=${size}`;
      return success({
        count: found.length,
        next: page * size < found.length ? pageUrl(page + 1) : null,
        previous: page > 1 ? pageUrl(page - 1) : null,
        results: found.slice((page - 1) * size, page * size).map((session) => entry(session, now)),
      });
    },
  },
  {
    method: 'GET',
    path: /^\/v1\/sessions\/[^/]+$/,
    credentials: ['key'],
    answer({ account, url, now }) {
      const session = account.find(url.pathname.split('/').at(-1) ?? '', now);
      // An unused token is not a session yet.
      if (session.startedAt === null) throw sessionNotFound();
      return success(entry(session, now));
    },
  },
  {
    method: 'GET',
    path: /^\/v1\/users\/credits$/,
    credentials: ['key'],
    answer: ({ account, now }) => success({ credits_left: formatMoney(account.creditsLeft(now)) }),
  },
];

/** @throws Refusal with 404 for an unknown path, 405 for a known one with another method, both as FastAPI writes them */
export function findRoute(method: string, path: string): Route {
  const onPath = ROUTES.filter((route) => route.path.test(path));
  const route = onPath.find((candidate) => candidate.method === method);
  if (route) return route;
  if (onPath.length === 0) throw new Refusal({ status: 404, body: { detail: 'Not Found' } });
  const allow = [...new Set(onPath.map((candidate) => candidate.method))].join(', ');
  throw new Refusal({ status: 405, headers: { allow }, body: { detail: 'Method Not Allowed' } });
}

/** A token speaks for its own session only; the account's key must name one. */
function sessionOf(caller: Caller, named: string | undefined): string {
  if (caller === 'account') {
    if (named) return named;
    throw invalid([{ loc: ['body', 'session_id'], msg: 'Field required', type: 'missing' }]);
  }
  if (named && named !== caller.sessionId) throw refuse(403, 4030, 'The token is for another session');
  return caller.sessionId;
}
