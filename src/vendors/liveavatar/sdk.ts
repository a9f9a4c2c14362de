import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import { VendorFailure } from '../../domain/errors.ts';
import type { Forwarded, VendorSdk } from '../../domain/vendor-sdk.ts';
import { ExchangeError, exchange } from '../exchange.ts';
import { parseJson, type Reading, readAnswer } from './read-answer.ts';
import { redact } from './redact.ts';
import { parseRetryAfter } from './retry-after.ts';

export interface LiveAvatarSdkOptions {
  /** Such as `https://api.liveavatar.com`, with or without a path. */
  readonly baseUrl: string;
  /** Milliseconds for one call. @default 10000 */
  readonly timeoutMs?: number | undefined;
  /** Reads Retry-After where it is a date. */
  readonly clock: Clock;
}

const LARGEST_CAP_SECONDS = 2 ** 31 - 1;

/** Of the answer to a start what concerns the quota. A cap that is no length of time counts as none. */
const Started = z.object({
  max_session_duration: z.number().positive().max(LARGEST_CAP_SECONDS).nullish().catch(null),
});

/**
 * The calls of `@heygen/liveavatar-web-sdk`, passed on to LiveAvatar (LiveAvatar API reference, sessions/*).
 *
 * @throws TypeError if the base URL is not a URL.
 */
export function createLiveAvatarSdk({ baseUrl, timeoutMs = 10_000, clock }: LiveAvatarSdkOptions): VendorSdk {
  const base = new URL(baseUrl.replace(/\/*$/, '/'));

  return {
    async start(token, body) {
      const { reading, ...forwarded } = await forward('/v1/sessions/start', token, body);
      if (!reading?.ok) return { ...forwarded, capSeconds: null };
      const started = Started.safeParse(reading.data);
      if (!started.success) {
        const failure = new VendorFailure('unavailable', 'LiveAvatar POST /v1/sessions/start answered without data');
        return { ...forwarded, failure, capSeconds: null };
      }
      const cap = started.data.max_session_duration ?? null;
      return { ...forwarded, capSeconds: cap === null ? null : Math.ceil(cap) };
    },
    stop: (token, body) => forward('/v1/sessions/stop', token, body),
    keepAlive: (token, body) => forward('/v1/sessions/keep-alive', token, body),
  };

  async function forward(
    path: string,
    token: string,
    body: string,
  ): Promise<Forwarded & { readonly reading: Reading | null }> {
    const message = (what: string) => redact(`LiveAvatar POST ${path} ${what.replaceAll(token, '[token]')}`, '');
    try {
      const headers = { authorization: `Bearer ${token}` };
      const { response, text } = await exchange(new URL(path.slice(1), base), {
        method: 'POST',
        headers,
        body,
        timeoutMs,
      });
      const reading = readAnswer(response, text);
      const retryAfterSeconds = parseRetryAfter(response.headers.get('retry-after'), clock());
      const failure = reading.ok ? null : new VendorFailure(reading.kind, message(reading.what), { retryAfterSeconds });
      if (parseJson(text) !== undefined) return { status: response.status, body: text, failure, reading };
      return { status: response.status < 400 ? 502 : response.status, body: null, failure, reading };
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      const failure = new VendorFailure('unavailable', message(error.message));
      return { status: error.timedOut ? 504 : 502, body: null, failure, reading: null };
    }
  }
}
