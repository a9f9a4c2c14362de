/** Nobody is kept waiting longer, whatever a broken clock or proxy says. */
const LONGEST_SECONDS = 86_400;

/**
 * Whole seconds to wait, rounded up, from a Retry-After header: a number of seconds or an HTTP date (RFC 9110, 10.2.3).
 *
 * Null where the header is absent or unreadable; never negative, and a day at the most.
 */
export function parseRetryAfter(header: string | null, now: Date): number | null {
  const text = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Math.ceil(Number(text)), LONGEST_SECONDS);
  // Date.parse reads far more than HTTP dates, "-5" included; every form of an HTTP date begins with a weekday.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return null;
  const at = Date.parse(text);
  if (Number.isNaN(at)) return null;
  return Math.min(Math.max(0, Math.ceil((at - now.getTime()) / 1000)), LONGEST_SECONDS);
}
