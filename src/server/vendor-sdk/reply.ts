import type { ServerResponse } from 'node:http';
import type { SdkOutcome, SdkRefused } from '../../app/sdk-outcome.ts';

/** An answer to a call of a vendor's SDK. */
export interface Reply {
  readonly status: number;
  /** JSON. */
  readonly body: string;
  readonly retryAfterSeconds: number | null;
}

const REFUSED: Readonly<Record<SdkRefused['reason'], number>> = {
  unknown_token: 401,
  foreign_session: 403,
  not_started: 409,
  already_started: 409,
  over: 410,
};

/** @param successCode what the SDK takes for a success in the envelope */
export function replyTo(outcome: SdkOutcome, successCode: number): Reply {
  switch (outcome.type) {
    case 'answered':
      return outcome;
    case 'unanswered':
      return refusal(outcome.status, outcome.message, outcome.retryAfterSeconds);
    case 'stopped': {
      const envelope = {
        code: successCode,
        data: { session_id: outcome.avatarSessionId },
        message: 'The session has ended.',
      };
      return { status: 200, body: JSON.stringify(envelope), retryAfterSeconds: null };
    }
    case 'refused':
      return refusal(REFUSED[outcome.reason], outcome.message);
  }
}

/** A refusal of our own, in the vendor's envelope. */
export function refusal(status: number, message: string, retryAfterSeconds: number | null = null): Reply {
  return { status, body: JSON.stringify({ code: status, data: null, message }), retryAfterSeconds };
}

export function sendReply(response: ServerResponse, { status, body, retryAfterSeconds }: Reply): void {
  if (retryAfterSeconds !== null) response.setHeader('retry-after', String(retryAfterSeconds));
  response
    .writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    .end(body);
}
