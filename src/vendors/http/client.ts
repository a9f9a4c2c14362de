import type { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import { VendorFailure } from '../../domain/errors.ts';
import { type Dialect, readAnswer } from './dialect.ts';
import { type ExchangeError, exchange } from './exchange.ts';
import { redact } from './redact.ts';
import { parseRetryAfter } from './retry-after.ts';

export interface ClientOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Milliseconds for one call, from the connection to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/**
 * One call with the account's key; resolves with the answer's `data`.
 *
 * @throws VendorFailure and nothing else.
 */
export type Call = <T>(method: 'GET' | 'POST', path: string, data: z.ZodType<T>, body?: object) => Promise<T>;

/** @throws TypeError if the base URL is not a URL. */
export function createClient(dialect: Dialect, { baseUrl, apiKey, timeoutMs, clock }: ClientOptions): Call {
  const base = new URL(baseUrl.replace(/\/*$/, '/'));

  return async (method, path, data, body) => {
    const message = (what: string) => redact(`${dialect.vendor} ${method} ${path} ${what}`, apiKey);
    const { response, text } = await exchange(new URL(path.slice(1), base), {
      method,
      headers: { 'X-API-KEY': apiKey },
      body: body ? JSON.stringify(body) : '',
      timeoutMs,
    }).catch((error: ExchangeError) => {
      throw new VendorFailure('unavailable', message(error.message));
    });
    const reading = readAnswer(dialect, response, text);
    if (!reading.ok) {
      throw new VendorFailure(reading.kind, message(reading.what), {
        retryAfterSeconds: parseRetryAfter(response.headers.get('retry-after'), clock()),
      });
    }
    const parsed = data.safeParse(reading.data);
    if (!parsed.success) {
      // Only the paths: the values may be tokens.
      const paths = parsed.error.issues.map((issue) => ['data', ...issue.path].join('.')).join(', ');
      throw new VendorFailure('unavailable', message(`answered in an unknown form: ${paths}`));
    }
    return parsed.data;
  };
}
