import type { TestService } from './service.ts';

/** The calls of LiveAvatar's SDK, as it sends them. */
export const SDK_CALLS = ['start', 'stop', 'keep-alive'] as const;

type SdkCall = (typeof SDK_CALLS)[number];

interface SdkAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The envelope. */
  readonly body: { readonly code: number; readonly data: Record<string, unknown> | null; readonly message: string };
}

/** One call with a session token, its body a JSON value or none. */
export async function callSdk(
  { url }: Pick<TestService, 'url'>,
  call: SdkCall,
  token: string,
  body?: unknown,
): Promise<SdkAnswer> {
  const answer = await fetch(`${url}/liveavatar/v1/sessions/${call}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as SdkAnswer['body'] };
}
