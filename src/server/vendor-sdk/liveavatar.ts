import type { Logger } from 'pino';
import { sdkKeepAlive } from '../../app/sdk-keep-alive.ts';
import type { SdkDeps } from '../../app/sdk-outcome.ts';
import { sdkStart } from '../../app/sdk-start.ts';
import { sdkStop } from '../../app/sdk-stop.ts';
import { createSdkEndpoint, type SdkEndpoint } from './endpoint.ts';

/** `@heygen/liveavatar-web-sdk` with `apiUrl` = this service and `/liveavatar`. Insists on the code 1000. */
export function createLiveAvatarEndpoint(deps: SdkDeps, log: Logger): SdkEndpoint {
  return createSdkEndpoint({
    prefix: '/liveavatar/',
    calls: {
      'v1/sessions/start': (request) => sdkStart(deps, request),
      'v1/sessions/stop': (request) => sdkStop(deps, request),
      'v1/sessions/keep-alive': (request) => sdkKeepAlive(deps, request),
    },
    successCode: 1000,
    log,
  });
}
