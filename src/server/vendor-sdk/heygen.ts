import type { Logger } from 'pino';
import { sdkOpen } from '../../app/sdk-open.ts';
import type { OpeningDeps, SdkOutcome, SdkRequest } from '../../app/sdk-outcome.ts';
import { sdkSteer } from '../../app/sdk-steer.ts';
import { sdkStop } from '../../app/sdk-stop.ts';
import { createSdkEndpoint, type SdkEndpoint } from './endpoint.ts';

/** What the SDK does with an open session, besides ending it. */
const STEERING = ['start', 'keep_alive', 'task', 'interrupt', 'start_listening', 'stop_listening'];

const LONGEST_AVATAR_NAME = 255;

/** `@heygen/streaming-avatar` with `basePath` = this service and `/heygen`. */
export function createHeyGenEndpoint(deps: OpeningDeps, log: Logger): SdkEndpoint {
  const steering = STEERING.map((call): [string, (request: SdkRequest) => Promise<SdkOutcome>] => [
    `v1/streaming.${call}`,
    (request) => sdkSteer(deps, call, request),
  ]);
  return createSdkEndpoint({
    prefix: '/heygen/',
    calls: {
      'v1/streaming.new': ({ token, body }) => sdkOpen(deps, { token, body, avatarName: avatarNameOf(body) }),
      'v1/streaming.stop': (request) => sdkStop(deps, request),
      ...Object.fromEntries(steering),
    },
    successCode: 100,
    log,
  });
}

/** The avatar that the page has chosen; null where that is no name which can be kept. */
function avatarNameOf(body: string): string | null {
  const { avatar_name, avatar_id }: { avatar_name?: unknown; avatar_id?: unknown } = JSON.parse(body || '{}');
  const name = avatar_name ?? avatar_id;
  const isName = typeof name === 'string' && name !== '' && name.length <= LONGEST_AVATAR_NAME && !name.includes('\0');
  return isName ? name.toWellFormed() : null;
}
