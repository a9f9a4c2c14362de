import { z } from 'zod';
import type { VendorFailureKind } from '../../domain/errors.ts';

/** The envelope's code for "Session concurrency limit reached". */
const CONCURRENCY = 4003;

const NO_FUNDS =
  /\b(no|insufficient|not enough|out of)\b.{0,30}\bcredits?\b|\bcredits?\b.{0,30}\bexhausted\b|NO_CREDITS/i;

/** An answer that is not what was asked for. */
export interface Refusal {
  readonly status: number;
  /** From the envelope, if there was one. */
  readonly code: number | null;
  /** What the answer says in words. */
  readonly text: string;
}

/**
 * How a refusal is to be understood.
 *
 * The envelope's code and the words come before the HTTP status where the vendor is known to be inconsistent:
 * concurrency is a 403 like a wrong key, and nobody has documented the status for an empty account.
 */
export function classify({ status, code, text }: Refusal): VendorFailureKind {
  if (status >= 500 || status === 408) return 'unavailable';
  if (code === CONCURRENCY || /concurren/i.test(text)) return 'concurrency';
  if (status === 429) return 'rate_limited';
  if (status === 401) return 'unauthorized';
  if (status === 402 || NO_FUNDS.test(text)) return 'no_funds';
  if (status === 403) return 'unauthorized';
  if (status === 404 || /not found/i.test(text)) return 'gone';
  if (status === 400 || status === 422) return 'invalid';
  return 'unknown';
}

const Words = z.object({
  message: z.string().optional().catch(undefined),
  detail: z
    .union([
      z.string(),
      z
        .array(z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() }))
        .transform((issues) => issues.map((issue) => `${issue.loc.join('.')}: ${issue.msg}`).join('; ')),
    ])
    .optional()
    .catch(undefined),
});

/** What a refusal says in words: `message`, or `detail` as FastAPI writes it; the bare text if it is not JSON. */
export function wordsOf(json: unknown, bareText: string): string {
  if (json === undefined) return bareText;
  const words = Words.safeParse(json);
  return [words.data?.message, words.data?.detail].filter(Boolean).join('; ');
}
