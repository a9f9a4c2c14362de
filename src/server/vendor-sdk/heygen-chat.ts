import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { WebSocket, WebSocketServer } from 'ws';
import { sdkChat } from '../../app/sdk-chat.ts';
import type { OpeningDeps, SdkRefused } from '../../app/sdk-outcome.ts';
import { VendorFailure } from '../../domain/errors.ts';
import { refuseUpgrade } from '../refuse-upgrade.ts';

/** A socket that a vendor's SDK opens beside its calls. */
export interface SdkSocket {
  readonly path: string;
  /** Takes an upgrade whose origin has been looked at. */
  upgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): Promise<void>;
  /** The page's ends of those that are open. */
  readonly clients: ReadonlySet<WebSocket>;
  /** Resolves when none is open any more. */
  close(): Promise<void>;
}

/** One message: a sentence, or a piece of the microphone's sound. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** A side that lets more than this wait reads too slowly, and is cut off. */
const MAX_BUFFERED_BYTES = 8 * MAX_MESSAGE_BYTES;
const HANDSHAKE_MS = 10_000;

/** They stand for a code or a close that did not come, and cannot be sent. */
const ABSENT_CODES = new Set([1005, 1006, 1015]);
const GOING_AWAY = 1001;

const STATUS: Readonly<Record<SdkRefused['reason'], string>> = {
  unknown_token: '401 Unauthorized',
  foreign_session: '403 Forbidden',
  not_started: '409 Conflict',
  already_started: '409 Conflict',
  over: '410 Gone',
};

/**
 * The chat socket of `@heygen/streaming-avatar`, without which its `createStartAvatar` fails. The SDK takes of `basePath` the
 * host only, so its path is at the root. It is passed on to the vendor for the token's own session, while that runs; the
 * vendor closes it when the session is stopped.
 */
export function createHeyGenChat(deps: OpeningDeps, log: Logger): SdkSocket {
  const limits = { maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false };
  const sockets = new WebSocketServer({ noServer: true, ...limits });

  async function upgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): Promise<void> {
    // Without a listener, a client that is gone before it is answered would end the process.
    duplex.on('error', () => {});
    // Rewritten: of a parameter that stands there twice, the vendor might take the other one.
    const query = Object.fromEntries(new URL(request.url ?? '/', 'http://localhost').searchParams);
    const chat = await sdkChat(deps, query);
    if (chat.type === 'refused') return refuseUpgrade(duplex, STATUS[chat.reason]);

    const vendor = new WebSocket(chat.url, { handshakeTimeout: HANDSHAKE_MS, ...limits });
    const abandon = () => vendor.terminate();
    const refuse = () => refuseUpgrade(duplex, '502 Bad Gateway');
    vendor.on('error', () => log.debug('Chat WebSocket to the vendor failed'));
    vendor.once('error', refuse);
    duplex.once('close', abandon);
    // The listeners stand before the first message can come.
    vendor.once('open', () => {
      vendor.off('error', refuse);
      duplex.off('close', abandon);
      sockets.handleUpgrade(request, duplex, head, (page) => {
        page.on('error', () => log.debug('Chat WebSocket to the client failed'));
        relay(page, vendor);
        relay(vendor, page);
      });
    });
  }

  return {
    path: '/v1/ws/streaming.chat',
    clients: sockets.clients,
    close: () => new Promise((resolve) => sockets.close(() => resolve())),
    upgrade: (request, duplex, head) =>
      upgrade(request, duplex, head).catch((error) => {
        log.warn({ err: error }, 'Chat WebSocket not opened');
        refuseUpgrade(duplex, error instanceof VendorFailure ? '502 Bad Gateway' : '503 Service Unavailable');
      }),
  };
}

/** Passes on what one side says, and its end. */
function relay(from: WebSocket, to: WebSocket): void {
  from.on('message', (data, isBinary) => {
    if (to.bufferedAmount > MAX_BUFFERED_BYTES) to.terminate();
    else to.send(data, { binary: isBinary });
  });
  from.once('close', (code, reason) => to.close(ABSENT_CODES.has(code) ? GOING_AWAY : code, reason));
}
