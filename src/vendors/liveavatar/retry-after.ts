/**
 * Whole seconds to wait, rounded up, from a Retry-After header: a number of seconds or an HTTP date (RFC 9110, 10.2.3).
 *
 * Null where the header is absent or unreadable; never negative.
 */
export function parseRetryAfter(header: string | null, now: Date): number | null {
  const text = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text));
  // Date.parse reads far more than HTTP dates, "-5" included; every form of an HTTP date begins with a weekday.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now.getTime()) / 1000));
}
