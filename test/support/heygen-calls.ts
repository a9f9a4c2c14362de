import type { Simulator } from '../../src/vendors/simulator/server.ts';
import { createToken, readRecord } from './operations.ts';
import { startTestService, type TestService } from './service.ts';

/** The settings of a service whose vendor is HeyGen, simulated. */
export const HEYGEN = { VENDOR: 'heygen' };

export interface HeyGenAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The envelope. */
  readonly body: { readonly code: number; readonly data: Record<string, unknown> | null; readonly message: string };
}

/** One call of `@heygen/streaming-avatar`, as it sends it, to the service in the vendor's place. */
export function callHeyGenSdk(
  { url }: Pick<TestService, 'url'>,
  call: string,
  token: string,
  body: unknown = {},
): Promise<HeyGenAnswer> {
  return send(`${url}/heygen/v1/streaming.${call}`, token, body);
}

/** The same, repeated while the service is too busy to decide: its 503 asks the caller to try again. */
export async function callHeyGenSdkUntilDecided(...call: Parameters<typeof callHeyGenSdk>): Promise<HeyGenAnswer> {
  for (;;) {
    const answer = await callHeyGenSdk(...call);
    if (answer.status !== 503) return answer;
  }
}

/** The same to the vendor itself, past the service. */
export function callHeyGen(
  { url }: Pick<Simulator, 'url'>,
  call: string,
  token: string,
  body: unknown,
): Promise<HeyGenAnswer> {
  return send(`${url}/v1/streaming.${call}`, token, body);
}

/** Opens and starts a session at the vendor itself; gives the vendor's name for it. */
export async function openAtHeyGen(simulator: Pick<Simulator, 'url'>, token: string, body = {}): Promise<string> {
  const opened = await callHeyGen(simulator, 'new', token, body);
  const session_id = String(opened.body.data?.session_id);
  await callHeyGen(simulator, 'start', token, { session_id });
  return session_id;
}

async function send(url: string, token: string, body: unknown): Promise<HeyGenAnswer> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as HeyGenAnswer['body'] };
}

/** A service, a user, and a vendor's token that has not been used. */
export async function readyHeyGenToken(settings: Record<string, string> = {}) {
  const service = await startTestService({ ...HEYGEN, ...settings });
  const user = await service.token('ann');
  const { token, record } = await createToken(service, user);
  const sdk = (call: string, body?: unknown) => callHeyGenSdk(service, call, token, body);
  return {
    service,
    user,
    token,
    record,
    sdk,
    /** Opens the token's session; gives the vendor's name for it. */
    async open(): Promise<string> {
      return String((await sdk('new')).body.data?.session_id);
    },
    readRecord: () => readRecord(service, user, record.id),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

export const codeOf = ({ status, body }: HeyGenAnswer) => [status, body.code];
