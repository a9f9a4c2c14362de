import { z } from 'zod';
import { VendorFailure } from '../../domain/errors.ts';
import type { VendorSdk } from '../../domain/vendor-sdk.ts';
import { createForward, type ForwardOptions } from '../http/forward.ts';
import { LIVEAVATAR } from './dialect.ts';

const LARGEST_CAP_SECONDS = 2 ** 31 - 1;

/** Of the answer to a start what concerns the quota. A cap that is no length of time is treated as missing. */
const Started = z.object({
  max_session_duration: z.number().positive().max(LARGEST_CAP_SECONDS).nullish().catch(null),
});

/** The vendor's words are not documented; any refusal that says so is taken at its word. */
const ALREADY_STARTED = /\balready\b.{0,20}\b(started|active|running)\b/i;

/**
 * The calls of `@heygen/liveavatar-web-sdk`, passed on to LiveAvatar (LiveAvatar API reference, sessions/*).
 *
 * @throws TypeError if the base URL is not a URL.
 */
export function createLiveAvatarSdk(options: ForwardOptions): VendorSdk {
  const forward = createForward(LIVEAVATAR, options);

  return {
    async start(token, body) {
      const { reading, ...forwarded } = await forward('/v1/sessions/start', { token }, body);
      const ranBefore = reading !== null && !reading.ok && ALREADY_STARTED.test(reading.what);
      if (!reading?.ok) return { ...forwarded, capSeconds: null, ranBefore };
      const started = Started.safeParse(reading.data);
      if (!started.success) {
        const failure = new VendorFailure('unavailable', 'LiveAvatar POST /v1/sessions/start answered without data');
        return { ...forwarded, failure, capSeconds: null, ranBefore };
      }
      const cap = started.data.max_session_duration ?? null;
      return { ...forwarded, capSeconds: cap === null ? null : Math.ceil(cap), ranBefore };
    },
    stop: (credential, body) => forward('/v1/sessions/stop', credential, body),
    keepAlive: (credential, body) => forward('/v1/sessions/keep-alive', credential, body),
  };
}
