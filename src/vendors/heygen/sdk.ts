import { z } from 'zod';
import { VendorFailure } from '../../domain/errors.ts';
import type { OpeningSdk } from '../../domain/vendor-sdk.ts';
import { createForward, type ForwardOptions } from '../http/forward.ts';
import { HEYGEN } from './dialect.ts';

const LARGEST_LIMIT_SECONDS = 2 ** 31 - 1;

/** Of the answer to `streaming.new` what concerns us. A limit that is no length of time is treated as missing. */
const Opened = z.object({
  data: z.object({
    session_id: z.string().min(1).max(255),
    session_duration_limit: z.number().positive().max(LARGEST_LIMIT_SECONDS).nullish().catch(null),
  }),
});

/**
 * The calls of `@heygen/streaming-avatar`, passed on to HeyGen (HeyGen's API reference, streaming.*).
 *
 * @throws TypeError if the base URL is not a URL.
 */
export function createHeyGenSdk(options: ForwardOptions): OpeningSdk {
  const forward = createForward(HEYGEN, options);

  return {
    async open(token, body) {
      const { reading, ...forwarded } = await forward('/v1/streaming.new', { token }, body);
      if (!reading?.ok) return { ...forwarded, avatarSessionId: null, capSeconds: null };
      const opened = Opened.safeParse(reading.data);
      if (!opened.success) {
        const failure = new VendorFailure('unavailable', 'HeyGen POST /v1/streaming.new answered without a session');
        return { status: 502, body: null, failure, avatarSessionId: null, capSeconds: null };
      }
      const { session_id, session_duration_limit: limit = null } = opened.data.data;
      return { ...forwarded, avatarSessionId: session_id, capSeconds: limit === null ? null : Math.ceil(limit) };
    },
    stop: (credential, body) => forward('/v1/streaming.stop', credential, body),
    steer: (call, credential, body) => forward(`/v1/streaming.${call}`, credential, body),
    chatUrl: (query) => `${options.baseUrl.replace(/^http/, 'ws').replace(/\/*$/, '')}/v1/ws/streaming.chat?${query}`,
  };
}
