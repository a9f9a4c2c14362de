import type { TestService } from './service.ts';

interface RestResponse {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: each call has a shape of its own, which its test checks
  readonly body: any;
}

type Where = Pick<TestService, 'url'>;

/** A call that sends a body. */
export function call({ url }: Where, token: string, path: string, body: unknown): Promise<RestResponse> {
  return send(`${url}/api/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
}

/** A call that only reads. */
export function get({ url }: Where, token: string, path: string): Promise<RestResponse> {
  return send(`${url}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
}

async function send(url: string, init: RequestInit): Promise<RestResponse> {
  const response = await fetch(url, init);
  return { status: response.status, headers: response.headers, body: await response.json() };
}
