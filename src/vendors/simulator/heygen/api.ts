import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { formatMoney } from '../../../domain/money.ts';
import type { Answer } from '../answers.ts';
import type { HeyGenAccount } from './account.ts';
import { activeEntry, notFound, opened, pastEntry, success, successV2, unauthorized } from './answers.ts';
import { HistoryQuery, NewBody, parse, parseBody, SessionBody, TaskBody } from './requests.ts';

interface HeyGenCall {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

interface RouteCall extends Pick<HeyGenCall, 'url' | 'body' | 'now'> {
  /** What lets the caller in; null for the account's key. */
  readonly token: string | null;
}

interface Route {
  /** What lets a caller in: the account's key in X-Api-Key, or a token as Bearer. */
  readonly credentials: readonly ('key' | 'token')[];
  answer(call: RouteCall): Answer;
}

export interface HeyGenApi {
  /** @throws Refusal */
  answer(call: HeyGenCall): Answer;
}

const OWN_PATHS = /^\/v[12]\/(streaming\.|user\/remaining_quota$)/;

/** Whether a path is of this API, and not of LiveAvatar's. */
export function isHeyGenPath(path: string): boolean {
  return OWN_PATHS.test(path);
}

/**
 * HeyGen's Interactive Avatar, as it was before its retirement (HeyGen's API reference, streaming.*), without media.
 *
 * @param apiKey the account's key; undefined to take any
 */
export function createHeyGenApi(account: HeyGenAccount, apiKey: string | undefined): HeyGenApi {
  /** Tokens do not expire, and each may open and steer any number of sessions. */
  const tokens = new Set<string>();
  const either = ['key', 'token'] as const;
  const onSession = (act: (id: string, now: number) => void): Route => ({
    credentials: either,
    answer({ body, now }) {
      act(parseBody(SessionBody, body).session_id, now);
      return success(null);
    },
  });

  const routes: Readonly<Record<string, Route>> = {
    'POST /v1/streaming.create_token': {
      credentials: ['key'],
      answer() {
        const token = createToken();
        tokens.add(token);
        return successV2({ token });
      },
    },
    'POST /v1/streaming.new': {
      credentials: either,
      answer({ body, token, now }) {
        const request = parseBody(NewBody, body);
        const avatarName = request.avatar_name ?? request.avatar_id ?? 'default';
        return success(opened(account.open({ avatarName, idleSeconds: request.activity_idle_timeout }, token, now)));
      },
    },
    'POST /v1/streaming.start': onSession((id, now) => account.start(id, now)),
    'POST /v1/streaming.stop': onSession((id, now) => account.stop(id, now)),
    'POST /v1/streaming.keep_alive': onSession((id, now) => account.keepAlive(id, now)),
    'POST /v1/streaming.interrupt': onSession((id, now) => account.keepAlive(id, now)),
    'POST /v1/streaming.start_listening': onSession((id, now) => account.keepAlive(id, now)),
    'POST /v1/streaming.stop_listening': onSession((id, now) => account.keepAlive(id, now)),
    'POST /v1/streaming.task': {
      credentials: either,
      answer({ body, now }) {
        const { session_id, text } = parseBody(TaskBody, body);
        account.task(session_id, text, now);
        return success({ duration_ms: 1000, task_id: session_id });
      },
    },
    'GET /v1/streaming.list': {
      credentials: ['key'],
      answer: ({ now }) =>
        success({
          sessions: account
            .sessions(now)
            .filter(({ endedAt }) => endedAt === null)
            .map(activeEntry),
        }),
    },
    'GET /v2/streaming.list': {
      credentials: ['key'],
      answer({ url, now }) {
        const { page: number, page_size: size, token } = parse(HistoryQuery, Object.fromEntries(url.searchParams));
        const page = token ?? number;
        const found = account.sessions(now).reverse();
        const data = found.slice((page - 1) * size, page * size).map((session) => pastEntry(session, now));
        const next_pagination_token = page * size < found.length ? String(page + 1) : null;
        return { status: 200, body: { total: found.length, page, page_size: size, next_pagination_token, data } };
      },
    },
    'GET /v2/user/remaining_quota': {
      credentials: ['key'],
      answer: ({ now }) => successV2({ remaining_quota: Number(formatMoney(account.quotaLeft(now))), details: {} }),
    },
  };

  function authenticate(headers: IncomingHttpHeaders, { credentials }: Route): string | null {
    const key = headers['x-api-key'];
    if (key && credentials.includes('key') && (apiKey === undefined || key === apiKey)) return null;
    const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
    if (bearer && credentials.includes('token') && tokens.has(bearer)) return bearer;
    throw unauthorized();
  }

  return {
    answer({ method, url, headers, body, now }) {
      const route = routes[`${method} ${url.pathname}`];
      if (!route) throw notFound();
      return route.answer({ token: authenticate(headers, route), url, body, now });
    },
  };
}

/** One piece of base64, as the vendor's are. */
function createToken(): string {
  const secret = randomBytes(16).toString('hex');
  return Buffer.from(JSON.stringify({ token: secret, token_type: 'sa_from_regular' })).toString('base64');
}
