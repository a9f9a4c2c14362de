import type { VendorFailureKind } from '../../domain/errors.ts';
import type { Refusal } from '../http/dialect.ts';

/** The envelope's code for "Session concurrency limit reached". */
const CONCURRENCY = 4003;

const NO_FUNDS =
  /\b(no|insufficient|not enough|out of)\b.{0,30}\bcredits?\b|\bcredits?\b.{0,30}\bexhausted\b|NO_CREDITS/i;

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
