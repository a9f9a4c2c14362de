import type { TestService } from './service.ts';

export const MINT = '/v1/sessions/token';
export const START = '/v1/sessions/start';
export const KEEP_ALIVE = '/v1/sessions/keep-alive';
export const STOP = '/v1/sessions/stop';

/** The bodies of the calls that reached the vendor on a path, of one session if it is named. */
export function callsTo(
  { simulator }: Pick<TestService, 'simulator'>,
  path: string,
  avatarSessionId?: string,
): Record<string, unknown>[] {
  return simulator
    .requests()
    .filter((request) => request.path === path)
    .map(({ body }) => (body === '' ? {} : JSON.parse(body)))
    .filter((body) => avatarSessionId === undefined || body.session_id === avatarSessionId);
}

/** How many calls with this session token have reached the vendor. */
export function bearersAtVendor({ simulator }: Pick<TestService, 'simulator'>, token: string): number {
  return simulator.requests().filter(({ headers }) => headers.authorization === `Bearer ${token}`).length;
}
