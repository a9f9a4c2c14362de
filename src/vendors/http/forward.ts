import type { Clock } from '../../domain/clock.ts';
import { VendorFailure } from '../../domain/errors.ts';
import type { Forwarded, SdkCredential } from '../../domain/vendor-sdk.ts';
import { type Dialect, parseJson, type Reading, readAnswer } from './dialect.ts';
import { ExchangeError, exchange } from './exchange.ts';
import { redact } from './redact.ts';
import { parseRetryAfter } from './retry-after.ts';

export interface ForwardOptions {
  /** Such as `https://api.liveavatar.com`, with or without a path. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Milliseconds for one call. @default 10000 */
  readonly timeoutMs?: number | undefined;
  /** Reads Retry-After where it is a date. */
  readonly clock: Clock;
}

/** Passes one call of a vendor's own SDK on, a POST with the caller's body. Never rejects. */
export type Forward = (
  path: string,
  credential: SdkCredential,
  body: string,
) => Promise<Forwarded & { readonly reading: Reading | null }>;

/** @throws TypeError if the base URL is not a URL. */
export function createForward(
  dialect: Dialect,
  { baseUrl, apiKey, timeoutMs = 10_000, clock }: ForwardOptions,
): Forward {
  const base = new URL(baseUrl.replace(/\/*$/, '/'));

  return async (path, credential, body) => {
    // The page must not get to see what it does not have: vendors quote what they were sent.
    const hideCredential = (text: string) =>
      'token' in credential ? text.replaceAll(credential.token, '[token]') : text.replaceAll(apiKey, '[api key]');
    const message = (what: string) => redact(`${dialect.vendor} POST ${path} ${hideCredential(what)}`, apiKey);
    try {
      const { response, text: answer } = await exchange(new URL(path.slice(1), base), {
        method: 'POST',
        ...authorize(credential, body, apiKey),
        timeoutMs,
      });
      const text = hideCredential(answer);
      const reading = readAnswer(dialect, response, text);
      const retryAfterSeconds = parseRetryAfter(response.headers.get('retry-after'), clock());
      const failure = reading.ok ? null : new VendorFailure(reading.kind, message(reading.what), { retryAfterSeconds });
      if (parseJson(text) !== undefined) return { status: response.status, body: text, failure, reading };
      return { status: response.status < 400 ? 502 : response.status, body: null, failure, reading };
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      const failure = new VendorFailure('unavailable', message(error.message));
      return { status: error.timedOut ? 504 : 502, body: null, failure, reading: null };
    }
  };
}

function authorize(credential: SdkCredential, body: string, apiKey: string) {
  if ('token' in credential) return { headers: { authorization: `Bearer ${credential.token}` }, body };
  const members: object = JSON.parse(body || '{}');
  return {
    headers: { 'X-API-KEY': apiKey },
    body: JSON.stringify({ ...members, session_id: credential.avatarSessionId }),
  };
}
