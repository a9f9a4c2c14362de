import type { Logger } from 'pino';

interface OriginPolicyOptions {
  /** Exact origins, as browsers send them. */
  readonly origins: readonly string[];
  /** Whether `http://localhost` and `http://127.0.0.1` are allowed on every port. */
  readonly allowLocalhost: boolean;
  readonly log: Logger;
}

/**
 * Where a request comes from: `none` from a program, `same` from a page of this host, `allowed` or `refused` from a page
 * of another origin.
 */
export type OriginVerdict = 'none' | 'same' | 'allowed' | 'refused';

/** Judges the `Origin` header of every request, over HTTP and WebSocket. */
export type OriginPolicy = (origin: string | null | undefined, host: string | null | undefined) => OriginVerdict;

const LOCALHOST = /^http:\/\/(localhost|127\.0\.0\.1)(:\d{1,5})?$/;

/** The form of every origin that a browser sends. Anything else is not worth a line of the log. */
const SERIALIZED_ORIGIN = /^(null|[a-z][a-z0-9+.-]*:\/\/[\x21-\x7e]{0,255})$/;

/** Anyone can send any origin, so the log names only this many. */
const MAX_LOGGED_ORIGINS = 100;

/** The only place that decides which origins may use the service. Each refused origin is logged once. */
export function createOriginPolicy({ origins, allowLocalhost, log }: OriginPolicyOptions): OriginPolicy {
  const logged = new Set<string>();

  function logRefusal(origin: string): void {
    if (logged.size >= MAX_LOGGED_ORIGINS || logged.has(origin) || !SERIALIZED_ORIGIN.test(origin)) return;
    logged.add(origin);
    log.warn(`origin ${origin} refused, see CORS_ORIGINS`);
    if (logged.size === MAX_LOGGED_ORIGINS) {
      log.warn(`${MAX_LOGGED_ORIGINS} origins refused, further ones are not logged`);
    }
  }

  return (origin, host) => {
    if (origin === null || origin === undefined) return 'none';
    if (origins.includes(origin) || (allowLocalhost && LOCALHOST.test(origin))) return 'allowed';
    if (URL.canParse(origin) && new URL(origin).host === host) return 'same';
    logRefusal(origin);
    return 'refused';
  };
}
