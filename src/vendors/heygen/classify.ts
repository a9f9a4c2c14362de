import type { VendorFailureKind } from '../../domain/errors.ts';
import type { Refusal } from '../http/dialect.ts';

/** HeyGen's API reference, error codes. */
const KINDS: ReadonlyMap<number, VendorFailureKind> = new Map([
  // "session state wrong: closed"
  [10005, 'gone'],
  // "Session not found"
  [10006, 'gone'],
  // "Concurrent limit reached"
  [10007, 'concurrency'],
  // "Avatar not found", "Avatar not allowed"
  [10012, 'invalid'],
  [10013, 'invalid'],
  // "Trial API limit reached"
  [10015, 'no_funds'],
  // "Exceed rate limit"
  [400123, 'rate_limited'],
]);

const NO_FUNDS = /\b(no|insufficient|not enough|out of)\b.{0,30}\b(credits?|quota)\b|\bquota\b.{0,20}\bnot enough\b/i;

/**
 * How a refusal is to be understood.
 *
 * The envelope's code and the words come before the HTTP status: most refusals are a plain 400.
 */
export function classify({ status, code, text }: Refusal): VendorFailureKind {
  if (status >= 500 || status === 408) return 'unavailable';
  if (status === 410) return 'retired';
  const known = code === null ? undefined : KINDS.get(code);
  if (known) return known;
  if (/concurren/i.test(text)) return 'concurrency';
  if (status === 429) return 'rate_limited';
  if (status === 401) return 'unauthorized';
  if (status === 402 || NO_FUNDS.test(text)) return 'no_funds';
  if (status === 403) return 'unauthorized';
  if (/session state wrong: closed/i.test(text)) return 'gone';
  if (status === 404 || /session not found/i.test(text)) return 'gone';
  if (status === 400 || status === 422) return 'invalid';
  return 'unknown';
}
