import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { SdkOutcome, SdkRequest } from '../../app/sdk-outcome.ts';
import { MASKED_MESSAGE, ServiceUnavailableError } from '../../domain/errors.ts';
import { type Reply, refusal, replyTo, sendReply } from './reply.ts';
import { readSdkRequest } from './request.ts';

/** The paths under which a vendor's own SDK finds this service in the vendor's place. */
export interface SdkEndpoint {
  /** Such as `/liveavatar/`. */
  readonly prefix: string;
  answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<void>;
}

type SdkCall = (request: SdkRequest) => Promise<SdkOutcome>;

interface SdkEndpointOptions {
  readonly prefix: string;
  /** By what follows the prefix; each is a POST. */
  readonly calls: Readonly<Record<string, SdkCall>>;
  /** What the SDK takes for a success in the envelope. */
  readonly successCode: number;
  readonly log: Logger;
}

/**
 * Answers the calls of a vendor's SDK, in the vendor's envelope whatever happens: the SDKs read `message` of it. The
 * session token is the credential; nothing else is asked of the caller.
 */
export function createSdkEndpoint({ prefix, calls, successCode, log }: SdkEndpointOptions): SdkEndpoint {
  const byPath = new Map(Object.entries(calls).map(([path, call]) => [prefix + path, call]));
  const known = [...byPath.keys()].join(', ');
  return {
    prefix,
    async answer(request, response, path) {
      const call = byPath.get(path);
      if (!call) return sendReply(response, refusal(404, `Not found. The SDK calls ${known}.`));
      if (request.method === 'POST') return carryOut(call, request, response);
      response.setHeader('allow', 'POST, OPTIONS');
      if (request.method === 'OPTIONS') response.writeHead(204).end();
      else sendReply(response, refusal(405, 'Send this call as POST.'));
    },
  };

  async function carryOut(call: SdkCall, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const read = await readSdkRequest(request);
      sendReply(response, 'token' in read ? replyTo(await call(read), successCode) : read);
    } catch (error) {
      if (request.complete) sendReply(response, failure(error));
      // else its sender hung up in the middle, and nobody is there to be answered
    }
  }

  function failure(error: unknown): Reply {
    if (error instanceof ServiceUnavailableError) return refusal(503, error.message, error.retryAfterSeconds);
    log.error({ err: error }, 'SDK call failed');
    return refusal(500, MASKED_MESSAGE);
  }
}
