import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, type ExecutionResult, GraphQLError, parse } from 'graphql';
import { CloseCode, type Context, handleProtocols, makeServer, type SubscribePayload } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Caller } from '../domain/caller.ts';
import type { Clock } from '../domain/clock.ts';
import { UnauthenticatedError } from '../domain/errors.ts';
import { schema } from '../graphql/schema.ts';
import type { Authenticator } from './auth.ts';
import { keepAlive } from './keep-alive.ts';
import type { OriginPolicy } from './origin.ts';
import { refuseUpgrade } from './refuse-upgrade.ts';
import { adaptSocket } from './socket-adapter.ts';
import type { SdkSocket } from './vendor-sdk/heygen-chat.ts';
import { GRAPHQL_PATH, MAX_REQUEST_BYTES, type Pipeline } from './yoga.ts';

/** Operations that one socket may have under way. */
const MAX_OPERATIONS_PER_SOCKET = 20;
/** A socket that does not say who it is within this time is closed. */
const CONNECTION_INIT_MS = 5_000;
/** A client that does not answer a ping by the next one is gone, or does not read. */
const PING_MS = 12_000;
/** A client that does not answer a close in this time does not read, and is cut off. */
const CLOSE_MS = 5_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const SERVICE_RESTART = 1012;
const TRY_AGAIN_LATER = 1013;

/** The pipeline parses the real document; graphql-ws only wants to be given one. */
const PLACEHOLDER = parse('{ __typename }');

interface SocketState {
  readonly socket: WebSocket;
  caller?: Caller;
  expiry?: NodeJS.Timeout;
}

type SocketContext = Context<Record<string, unknown>, SocketState>;

interface WebSocketOptions {
  readonly server: Server;
  readonly pipeline: Pipeline;
  readonly authenticator: Authenticator;
  /** Of the vendor's SDK; null where it opens none. */
  readonly sdkSocket: SdkSocket | null;
  readonly judgeOrigin: OriginPolicy;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface WebSocketTransport {
  /** Takes no new sockets and asks the clients to reconnect; resolves when all sockets are closed. */
  close(): Promise<void>;
}

/**
 * GraphQL over WebSocket, by the protocol graphql-transport-ws, through the same pipeline as HTTP.
 *
 * Who calls is said once for the socket, in `connectionParams`, or for one operation, in its `extensions.headers`. No or
 * a bad token closes the socket with 4401, which clients do not retry; an expired one, also while the socket is open,
 * with 4403, which they retry with a fresh token.
 */
export function attachWebSocket(options: WebSocketOptions): WebSocketTransport {
  const { server, pipeline, authenticator, sdkSocket, judgeOrigin, clock, log } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_REQUEST_BYTES,
    perMessageDeflate: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });

  const protocol = makeServer<Record<string, unknown>, SocketState>({
    connectionInitWaitTimeout: CONNECTION_INIT_MS,

    async onConnect({ connectionParams, extra }) {
      const { socket } = extra;
      const authorization = headerOf(connectionParams);
      if (authorization === undefined) {
        extra.expiry = setTimeout(() => socket.close(CloseCode.Unauthorized, 'A token is needed'), CONNECTION_INIT_MS);
        return true;
      }
      const caller = await authenticateSocket(socket, authorization);
      // Closed meanwhile, a socket is cleaned up already: no timer may be left behind for it.
      if (!caller || socket.readyState !== socket.OPEN) return false;
      extra.caller = caller;
      extra.expiry = setTimeout(
        () => socket.close(CloseCode.Forbidden, 'The token has expired'),
        Math.min(Math.max(caller.expiresAt.getTime() - clock().getTime(), 0), LONGEST_TIMER_MS),
      );
      return true;
    },

    async onSubscribe(context, _id, payload) {
      if (Object.keys(context.subscriptions).length > MAX_OPERATIONS_PER_SOCKET) return [tooManyOperations()];
      const caller = await callerOf(context, payload);
      if (!caller) return [new GraphQLError('Unauthorized', { extensions: { code: 'UNAUTHENTICATED' } })];
      return {
        schema,
        document: PLACEHOLDER,
        contextValue: { caller, streamsUntil: streamsUntil(context, caller), payload },
      };
    },

    execute: carryOut,

    onNext: (_context, _id, _payload, _args, result) => withoutHttp(result),

    onClose({ extra }) {
      clearTimeout(extra.expiry);
    },
  });

  async function callerOf({ extra }: SocketContext, payload: SubscribePayload): Promise<Caller | null> {
    const headers = payload.extensions?.headers;
    const authorization = headerOf(headers as Record<string, unknown> | undefined);
    if (authorization === undefined && extra.caller) return extra.caller;
    const caller = await authenticateSocket(extra.socket, authorization);
    if (caller && !extra.caller) clearTimeout(extra.expiry);
    return caller;
  }

  /** Null if the socket is being closed for want of a good token. */
  async function authenticateSocket(socket: WebSocket, authorization: string | undefined): Promise<Caller | null> {
    try {
      return await authenticator.authenticate(authorization);
    } catch (error) {
      if (!(error instanceof UnauthenticatedError)) socket.close(TRY_AGAIN_LATER, 'Try again later');
      else if (error.reason === 'expired') socket.close(CloseCode.Forbidden, 'The token has expired');
      else socket.close(CloseCode.Unauthorized, error.message.slice(0, 120));
      return null;
    }
  }

  async function carryOut({ contextValue }: ExecutionArgs): Promise<ExecutionResult | AsyncIterable<ExecutionResult>> {
    const { payload, ...identity } = contextValue as {
      caller: Caller;
      streamsUntil: Date | null;
      payload: SubscribePayload;
    };
    const { query, operationName, variables, extensions } = payload;
    const result = await pipeline.getResultForParams(
      {
        params: {
          query,
          ...(operationName && { operationName }),
          ...(variables && { variables }),
          ...(extensions && { extensions }),
        },
        // as a POST, since mutations are refused by GET
        request: new Request(`http://localhost${GRAPHQL_PATH}`, { method: 'POST' }),
      },
      identity,
    );
    return result as ExecutionResult | AsyncIterable<ExecutionResult>;
  }

  function open(socket: WebSocket): void {
    socket.on('error', (error) => log.debug({ err: error }, 'WebSocket error'));
    const closed = protocol.opened(adaptSocket(socket, log), { socket });
    const ping = keepAlive(socket, PING_MS);
    socket.once('close', (code, reason) => {
      clearInterval(ping);
      closed(code, String(reason)).catch((error) => log.error({ err: error }, 'WebSocket cleanup failed'));
    });
  }

  function upgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    const path = request.url?.split('?')[0];
    const { origin, host } = request.headers;
    if (path !== GRAPHQL_PATH && path !== sdkSocket?.path) refuseUpgrade(duplex, '404 Not Found');
    // Browsers apply no CORS to WebSockets, so the server has to.
    else if (judgeOrigin(origin, host) === 'refused') refuseUpgrade(duplex, '403 Forbidden');
    else if (path === GRAPHQL_PATH) sockets.handleUpgrade(request, duplex, head, open);
    else sdkSocket?.upgrade(request, duplex, head);
  }

  server.on('upgrade', upgrade);
  return {
    async close() {
      server.off('upgrade', upgrade);
      for (const socket of sockets.clients) socket.close(SERVICE_RESTART, 'The service restarts');
      const fuse = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, CLOSE_MS);
      await Promise.all([new Promise((resolve) => sockets.close(resolve)), sdkSocket?.close()]);
      clearTimeout(fuse);
    },
  };
}

/** The socket's own token is watched by the socket; one that came with an operation, by its streams. */
function streamsUntil({ extra }: SocketContext, caller: Caller): Date | null {
  return caller === extra.caller ? null : caller.expiresAt;
}

/** Undefined if there is none; what is not even a text is no token. */
function headerOf(params: Record<string, unknown> | null | undefined): string | undefined {
  const value = params?.authorization ?? params?.Authorization ?? undefined;
  return value === undefined || typeof value === 'string' ? value : '';
}

/** How an error would be answered over HTTP is of no use on a socket. */
function withoutHttp({ errors, ...rest }: { readonly errors?: readonly GraphQLError[] | undefined }) {
  if (!errors) return rest;
  const shown = errors.map((error) => {
    const { extensions: { http, ...extensions } = {}, ...where } = error.toJSON();
    return { ...where, extensions };
  });
  return { ...rest, errors: shown };
}

function tooManyOperations(): GraphQLError {
  return new GraphQLError(
    `A socket carries at most ${MAX_OPERATIONS_PER_SOCKET} operations at once. Complete one before the next.`,
    { extensions: { code: 'LIMIT_EXCEEDED' } },
  );
}
