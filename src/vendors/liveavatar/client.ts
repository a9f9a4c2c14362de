import type { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import { VendorFailure } from '../../domain/errors.ts';
import { Envelope } from './answers.ts';
import { classify, wordsOf } from './classify.ts';
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

/** Success in the envelope: the specification says 100, the vendor's SDK insists on 1000. */
const SUCCESS_CODES = [100, 1000];

/** @throws TypeError if the base URL is not a URL. */
export function createClient(options: ClientOptions): Call {
  const base = new URL(options.baseUrl.replace(/\/*$/, '/'));

  return async (method, path, data, body) => {
    const { response, text } = await exchange(method, path, body);
    const json = parseJson(text);
    const envelope = Envelope.safeParse(json).data;
    const code = envelope?.code ?? null;
    const hasData = envelope?.data != null;
    // Stop and keep-alive may have nothing to say; there the code tells a bare success from a refusal sent as 200.
    if (!response.ok || (!hasData && code !== null && !SUCCESS_CODES.includes(code))) {
      const refusal = { status: response.status, code, text: wordsOf(json, text) };
      throw new VendorFailure(
        classify(refusal),
        message(method, path, `answered ${response.status}: ${refusal.text}`),
        {
          retryAfterSeconds: parseRetryAfter(response.headers.get('retry-after'), options.clock()),
        },
      );
    }
    if (!hasData && code === null) {
      throw new VendorFailure('unavailable', message(method, path, `answered ${response.status} without an envelope`));
    }
    const parsed = data.safeParse(envelope?.data);
    if (!parsed.success) {
      // Only the paths: the values may be tokens.
      const paths = parsed.error.issues.map((issue) => ['data', ...issue.path].join('.')).join(', ');
      throw new VendorFailure('unavailable', message(method, path, `answered in an unknown form: ${paths}`));
    }
    return parsed.data;
  };

  async function exchange(method: string, path: string, body?: object): Promise<{ response: Response; text: string }> {
    try {
      const response = await fetch(new URL(path.slice(1), base), {
        method,
        headers: {
          accept: 'application/json',
          'X-API-KEY': options.apiKey,
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
        // fetch would send the key along to wherever the answer points.
        redirect: 'manual',
        signal: AbortSignal.timeout(options.timeoutMs),
      });
      return { response, text: await response.text() };
    } catch (error) {
      // Not kept as the cause: errors of fetch quote headers and addresses.
      throw new VendorFailure('unavailable', message(method, path, describe(error, options.timeoutMs)));
    }
  }

  function message(method: string, path: string, what: string): string {
    return redact(`LiveAvatar ${method} ${path} ${what}`, options.apiKey);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describe(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return 'failed';
  if (error.name === 'TimeoutError') return `gave no answer within ${timeoutMs} ms`;
  return `failed: ${error.cause instanceof Error ? error.cause.message : error.message}`;
}
