import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { WebSocket, WebSocketServer } from 'ws';
import { chatUrl } from '../../app/sdk-chat.ts';
import type { OpeningDeps, SdkRefused } from '../../app/sdk-outcome.ts';
import { steerableSession } from '../../app/steerable-session.ts';
import { VendorFailure } from '../../domain/errors.ts';
import type { TokenRecord } from '../../domain/store.ts';
import { refuseUpgrade } from '../refuse-upgrade.ts';
import { type Relay, type RelayLimits, relay } from './relay.ts';
import { type SessionEndDeps, watchSessionEnd } from './session-end.ts';
import { createSocketPlaces } from './socket-places.ts';

/** A WebSocket that a vendor's SDK opens in addition to its calls. */
export interface SdkSocket {
  readonly path: string;
  /** Takes an upgrade whose origin was checked. */
  upgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): Promise<void>;
  /** Closes all sockets and resolves when they are closed. */
  close(): Promise<void>;
}

/** One message: a sentence, or a piece of audio from the microphone. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
const SOCKET = { maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false };
const HANDSHAKE_MS = 10_000;

const LIMITS: RelayLimits = {
  maxWaitingBytes: 256 * 1024,
  // HeyGen ends a session without activity after an hour at most (`activity_idle_timeout` of `streaming.new`).
  idleMs: 60 * 60_000,
  pingMs: 12_000,
  closeMs: 5_000,
};
const PLACES = { perUser: 10, perNode: 1_000 };

const SESSION_ENDED = 4410;
const SERVICE_RESTART = 1012;

const GONE = '410 Gone';
const STATUS: Readonly<Record<SdkRefused['reason'], string>> = {
  unknown_token: '401 Unauthorized',
  foreign_session: '403 Forbidden',
  not_started: '409 Conflict',
  already_started: '409 Conflict',
  over: GONE,
};
const FULL = { user: '429 Too Many Requests', node: '503 Service Unavailable' };

/** One socket of a page and what is behind it. */
interface Connection {
  close(code: number, reason: string): void;
  readonly closed: Promise<void>;
}

/**
 * The chat socket of `@heygen/streaming-avatar`, without which its `createStartAvatar` fails. The SDK takes only the host of
 * `basePath`, so its path is at the root. It is relayed to the vendor for the token's own session, and closed when that ends.
 */
export function createHeyGenChat(deps: OpeningDeps & SessionEndDeps, log: Logger): SdkSocket {
  const sockets = new WebSocketServer({ noServer: true, clientTracking: false, ...SOCKET });
  const places = createSocketPlaces(PLACES);
  const connections = new Set<Connection>();
  let isClosing = false;

  async function upgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): Promise<void> {
    // Without a listener, a client that is gone before it is answered would end the process.
    duplex.on('error', () => {});
    // Rewritten: of a parameter that occurs twice, the vendor might take the other one.
    const query = Object.fromEntries(new URL(request.url ?? '/', 'http://localhost').searchParams);
    const token = query.session_token ?? '';
    const session = await steerableSession(deps, token, query.session_id ?? '');
    if (session.type === 'refused') return refuseUpgrade(duplex, STATUS[session.reason]);
    // The client may have hung up in the meantime, which is not reported again.
    if (duplex.destroyed) return;
    const place = isClosing ? 'node' : places.take(session.record.userId);
    if (typeof place === 'string') return refuseUpgrade(duplex, FULL[place]);

    try {
      const url = await chatUrl(deps, session, query);
      const accept = (use: (page: WebSocket) => void) => sockets.handleUpgrade(request, duplex, head, use);
      const connection = connect(url, { token, record: session.record }, duplex, accept);
      connections.add(connection);
      await connection.closed;
      connections.delete(connection);
    } finally {
      place();
    }
  }

  function connect(
    url: string,
    { token, record }: { readonly token: string; readonly record: TokenRecord },
    duplex: Duplex,
    accept: (use: (page: WebSocket) => void) => void,
  ): Connection {
    const vendor = new WebSocket(url, {
      handshakeTimeout: HANDSHAKE_MS,
      ...SOCKET,
    });
    const closed = Promise.withResolvers<void>();
    let relayed: Relay | undefined;
    let refusal = '502 Bad Gateway';

    const abandon = () => vendor.terminate();
    const stopWatching = watchSessionEnd(deps, token, record, () => {
      refusal = GONE;
      close(SESSION_ENDED, 'The session has ended. Request a new token with createToken.');
    });
    duplex.once('close', abandon);
    vendor.on('error', () => log.debug('Chat WebSocket to the vendor failed'));
    // The listeners are in place before the first message can arrive.
    vendor.once('open', () =>
      accept((page) => {
        duplex.off('close', abandon);
        page.on('error', () => log.debug('Chat WebSocket to the client failed'));
        relayed = relay(page, vendor, LIMITS);
      }),
    );
    vendor.once('close', async () => {
      stopWatching();
      if (relayed) await relayed.closed;
      else refuseUpgrade(duplex, refusal);
      closed.resolve();
    });

    function close(code: number, reason: string): void {
      if (relayed) relayed.close(code, reason);
      else vendor.terminate();
    }

    return { close, closed: closed.promise };
  }

  return {
    path: '/v1/ws/streaming.chat',
    async close() {
      isClosing = true;
      for (const connection of connections) connection.close(SERVICE_RESTART, 'The service restarts');
      await Promise.all([...connections].map(({ closed }) => closed));
    },
    upgrade: (request, duplex, head) =>
      upgrade(request, duplex, head).catch((error) => {
        log.warn({ err: error }, 'Chat WebSocket not opened');
        refuseUpgrade(duplex, error instanceof VendorFailure ? '502 Bad Gateway' : '503 Service Unavailable');
      }),
  };
}
