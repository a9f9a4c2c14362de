import type { Forwarded } from '../domain/vendor-sdk.ts';
import type { SdkAnswered, SdkUnanswered } from './sdk-outcome.ts';

/** What the caller gets of a call that was passed on: the vendor's own words or, where it has none, this sentence. */
export function sdkForwarded({ status, body, failure }: Forwarded, sentence: string): SdkAnswered | SdkUnanswered {
  const retryAfterSeconds = failure?.retryAfterSeconds ?? null;
  return body === null
    ? { type: 'unanswered', status, message: sentence, retryAfterSeconds }
    : { type: 'answered', status, body, retryAfterSeconds };
}
