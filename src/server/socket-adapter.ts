import { CloseCode, type WebSocket as ProtocolSocket } from 'graphql-ws';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';

/** A client that sends on and on but reads nothing is cut off when this much waits for it. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;
/** A close frame has 123 bytes for its reason; a UTF-16 unit takes up to three of them. */
const MAX_REASON_CHARACTERS = 41;
const MAX_REASON_BYTES = 123;

/** A socket as graphql-ws wants it. */
export function adaptSocket(socket: WebSocket, log: Logger): ProtocolSocket {
  return {
    protocol: socket.protocol,
    send(data) {
      if (socket.bufferedAmount > MAX_UNREAD_BYTES) socket.terminate();
      return new Promise((resolve, reject) => {
        socket.send(data, (error) => (error && socket.readyState === socket.OPEN ? reject(error) : resolve()));
      });
    },
    close: (code, reason) => socket.close(code, fitReason(reason)),
    onMessage(handle) {
      socket.on('message', (data) => {
        // A socket that is being closed, for an expired token say, does nothing more for its client.
        if (socket.readyState !== socket.OPEN) return;
        handle(String(data)).catch((error: unknown) => {
          if (isOfServer(error)) {
            socket.close(CloseCode.BadRequest, 'Only a server sends this message');
            return;
          }
          log.error({ err: error }, 'WebSocket message not handled');
          socket.close(CloseCode.InternalServerError, 'Internal server error');
        });
      });
    },
  };
}

/** Whether the client has sent a message such as `connection_ack`, which graphql-ws takes for a failure of its own. */
function isOfServer(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Unexpected message of type');
}

/** The reason may quote the client, and one that does not fit would throw. */
function fitReason(reason: string | undefined): string | undefined {
  return reason && Buffer.byteLength(reason) > MAX_REASON_BYTES ? reason.slice(0, MAX_REASON_CHARACTERS) : reason;
}
